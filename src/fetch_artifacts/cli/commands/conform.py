"""The commands for CI: compare with real Julia, and name a cache."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final

import click

from fetch_artifacts.cli.shared.completing import complete_platforms_or_all
from fetch_artifacts.cli.shared.grammar import command
from fetch_artifacts.cli.shared.options import (
    FAILED,
    files_argument,
    json_option,
    platform_option,
    resolve_tomls,
    toml_option,
)
from fetch_artifacts.cli.shared.printing import (
    print_json,
    say,
    say_text,
    tell,
    tell_done,
)
from fetch_artifacts.cli.shared.values import OutputPath, number, wrong_usage
from fetch_artifacts.errors import NoJuliaError, PlatformError
from fetch_artifacts.install.lookup import wanted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fetch_artifacts.conformance.compare import Wanted
    from fetch_artifacts.conformance.report import Report
    from fetch_artifacts.platforms.platform import Platform

NO_JULIA: Final = 3
_ALL: Final = "all"


@command()
@files_argument
@click.option(
    "--platform",
    "triplets",
    multiple=True,
    metavar="TRIPLET|all",
    shell_complete=complete_platforms_or_all,
    help="Compare for this platform too; all: every one that a file binds.",
)
@click.option(
    "--install",
    is_flag=True,
    help="Have both install each source of each entry, in temporary depots.",
)
@click.option(
    "--julia",
    "choice",
    metavar="auto|juliacall|process|PATH",
    help="The Julia to compare with. auto: juliacall's if installed, else a process "
    "of the julia that JULIA names or that is on PATH.  [env: FETCH_ARTIFACTS_ORACLE; "
    "default: auto]",
)
@click.option(
    "--timeout",
    type=number(1, 1_000_000),
    metavar="SECONDS",
    default=300,
    show_default=True,
    help="How long a julia process may take for one answer.",
)
@click.option(
    "--junitxml",
    type=OutputPath(),
    help="Write the checks to this file, as JUnit XML.",
)
@toml_option
@json_option
def conform(
    *,
    files: tuple[Path, ...],
    triplets: tuple[str, ...],
    install: bool,
    choice: str | None,
    timeout: float,
    junitxml: Path | None,
    toml_path: Path | None,
    as_json: bool,
) -> None:
    """Compare how Julia and Python read each Artifacts.toml FILE.

    Both read it and choose its entries for this machine and for the platforms asked
    for; names, entries, hashes, paths, downloads, the content of what is installed and
    the text written back must be the same. Without a FILE, the one of the working
    directory or above it is read.

    Exits with 1 if something differs, with 3 if there is no Julia.
    """
    tomls = resolve_tomls(files, toml_path)
    try:
        report = _compare(
            tomls, triplets, install=install, choice=choice, timeout=timeout
        )
    except NoJuliaError as error:
        tell(error)
        sys.exit(NO_JULIA)
    _show(report, as_json=as_json)
    if junitxml:
        junitxml.write_text(report.to_junit(), "utf-8")
    if report.different:
        sys.exit(FAILED)


@command("cache-key")
@files_argument
@toml_option
@platform_option
@json_option
def cache_key(
    *,
    files: tuple[Path, ...],
    toml_path: Path | None,
    platform: Platform | None,
    as_json: bool,
) -> None:
    """Print a key for a CI cache of the artifacts.

    It changes when an Artifacts.toml FILE binds other trees for this machine, or for
    --platform. Comments, formatting, sources and the order of names don't change it.
    """
    from fetch_artifacts.conformance.cache_key import cache_key as key_of

    key = key_of(resolve_tomls(files, toml_path), wanted(platform))
    if as_json:
        print_json({"key": key})
    else:
        say(key)


def _compare(
    tomls: Sequence[Path],
    triplets: Sequence[str],
    *,
    install: bool,
    choice: str | None,
    timeout: float,
) -> Report:
    from fetch_artifacts.conformance.compare import Wanted, compare_file
    from fetch_artifacts.conformance.questions import open_julia
    from fetch_artifacts.conformance.report import Report

    # Warnings of both are compared, and reported where they differ.
    logging.getLogger("fetch_artifacts").setLevel(logging.CRITICAL)
    also = {toml: _wanted(toml, triplets) for toml in tomls}
    with open_julia(choice, timeout=timeout, tell=tell_done) as julia:
        version, here = julia.version(), Wanted.host(julia)
        tell_done(f"comparing with Julia {version}: {julia.reason}")
        checks = [
            check
            for toml in tomls
            for check in compare_file(julia, toml, [here, *also[toml]], install=install)
        ]
        return Report(
            version=version, way=julia.way, reason=julia.reason, checks=checks
        )


def _wanted(toml: Path, triplets: Sequence[str]) -> list[Wanted]:
    from fetch_artifacts.conformance.compare import Wanted, bound_platforms

    wanted: dict[str, Wanted] = {}
    for triplet in triplets:
        with wrong_usage("--platform", PlatformError):
            found = bound_platforms(toml) if triplet == _ALL else [Wanted.of(triplet)]
        wanted |= {each.triplet: each for each in found}
    return list(wanted.values())


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        print_json(report.to_json())
        return
    if _is_terminal():
        for line in report.table():
            say(line)
    for lines in report.lines():
        say_text(f"{lines}\n")
    say(report.summary())


def _is_terminal() -> bool:
    return sys.stdout.isatty()


COMMANDS: Final = (conform, cache_key)
