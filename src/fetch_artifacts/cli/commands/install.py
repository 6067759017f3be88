"""The commands that put artifacts into the depot."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol

import click

from fetch_artifacts import _api
from fetch_artifacts.artifacts_toml.choosing import entry_for
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.artifacts_toml.slash import split_artifact_slash
from fetch_artifacts.cli.shared.asking import dry_run_option
from fetch_artifacts.cli.shared.completing import complete_names
from fetch_artifacts.cli.shared.grammar import command
from fetch_artifacts.cli.shared.options import (
    jobs_option,
    json_option,
    julia_option,
    platform_option,
    resolve_toml,
    toml_option,
)
from fetch_artifacts.cli.shared.printing import (
    print_json,
    print_path,
    print_rows,
    tell_done,
)
from fetch_artifacts.cli.shared.values import NamedPath, TomlPath, wrong_usage
from fetch_artifacts.depot.installed import find_installed, locate_entry
from fetch_artifacts.errors import ArtifactPathError
from fetch_artifacts.install.lookup import entries_in, locate, require_path, wanted
from fetch_artifacts.terminal.columns import columns_of, padded
from fetch_artifacts.terminal.units import (
    count_of,
    show_bytes,
    show_counts,
    show_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.authoring.mirrors.bundled import BundledArtifacts
    from fetch_artifacts.platforms.platform import Platform
    from fetch_artifacts.terminal import progress

_LONGEST: Final = 24  # columns of a name


@command(example='head "$(fetch-artifacts path MyData/tables/a.csv)"')
@click.argument("name", shell_complete=complete_names)
@toml_option
@platform_option
@julia_option
@click.option("--no-download", is_flag=True, help="Fail if it is not installed.")
@click.option(
    "--no-check",
    is_flag=True,
    help="Print a path inside the artifact even if there is no such file.",
)
@json_option
def path(
    name: str,
    toml_path: Path | None,
    platform: Platform | None,
    *,
    julia: bool,
    no_download: bool,
    no_check: bool,
    as_json: bool,
) -> None:
    """Print the path of an artifact; install it first if missing.

    Nothing else is printed. NAME may go on with a path inside the artifact.
    """
    toml = resolve_toml(toml_path)
    with wrong_usage("NAME", ArtifactPathError):
        found = locate(
            name, str(toml), platform=platform, download=not no_download, run_hook=julia
        )
    if not no_check:
        require_path(found, name)
    if as_json:
        print_json({"path": str(found), **_origin(name, toml, platform)})
    else:
        print_path(str(found))


def _origin(name: str, toml: Path, platform: Platform | None) -> dict[str, object]:
    """Which tree a path is in, and what sends it elsewhere."""
    from fetch_artifacts.cli.commands.depot import override_facts

    if name not in load_artifacts_toml(toml):
        name, _ = split_artifact_slash(name)
    entry = entry_for(name, toml, wanted(platform))
    override = override_facts(entry, locate_entry(entry, toml=str(toml)), toml)
    return {
        "name": name,
        "git_tree_sha1": entry.git_tree_sha1,
        "toml": str(toml),
        "overridden": override,
    }


@command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_names)
@toml_option
@platform_option
@julia_option
@click.option("--include-lazy", is_flag=True, help="Lazy artifacts too.")
@jobs_option
@click.option(
    "--reinstall",
    is_flag=True,
    help="Install NAME, or all of BUNDLE, again, and delete what was there.",
)
@click.option(
    "--from",
    "bundle",
    type=NamedPath(exists=True),
    metavar="BUNDLE",
    help="Install from a file that `bundle` wrote, without a network: all of it, lazy "
    "or not, or what Artifacts.toml files bind, which are given instead of NAME. With "
    "--include-lazy it is an error if BUNDLE lacks a lazy one.",
)
@click.option(
    "--push",
    is_flag=True,
    help="Also upload what the mirrors lack.  [env: FETCH_ARTIFACTS_MIRRORS]",
)
@dry_run_option
@json_option
def install(
    names: tuple[str, ...],
    toml_path: Path | None,
    platform: Platform | None,
    *,
    julia: bool,
    include_lazy: bool,
    jobs: int | None,
    reinstall: bool,
    bundle: Path | None,
    push: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Install the artifacts named, or all that are not lazy.

    What is installed already is not downloaded again. A lazy artifact is one that is
    installed on its first use.
    """
    if reinstall and not (names or bundle):
        msg = "--reinstall needs NAME or --from"
        raise click.UsageError(msg)
    if bundle and julia:
        msg = "--julia does not go with --from: no hook chooses what a bundle holds"
        raise click.UsageError(msg)
    if push:
        from fetch_artifacts.authoring.mirrors import mirror

        mirror.writable_mirrors()  # before there is anything to put there
    began = time.monotonic()
    order: _Order
    if bundle:
        files = [TomlPath().convert(name, None, None) for name in names]
        files += [toml_path] if toml_path else []
        order = _FromBundle(_bundled(bundle, files, platform, lazy=include_lazy))
    else:
        order = _FromFile(
            resolve_toml(toml_path), names, platform, lazy=include_lazy, julia=julia
        )
    if dry_run:
        print_rows(order.plan(reinstall=reinstall), as_json=as_json)
        return
    from fetch_artifacts.terminal import progress

    with progress.show_progress(verbose=True) as shown:
        report = _Counting(shown)
        installed = order.install(report, jobs=jobs, reinstall=reinstall)
    _print_installed(installed, as_json=as_json)
    if push:
        from fetch_artifacts.cli.commands.mirror import push_installed

        push_installed([where for _, where in installed])
    there = max(len(installed) - report.installed, 0)
    tell_done(_summary(report, there, order.left_out(), time.monotonic() - began))


class _Order(Protocol):
    """What to install, and where from."""

    def plan(self, *, reinstall: bool) -> list[_Planned]:
        """Find out what would be installed."""
        ...

    def install(
        self, report: _Counting, *, jobs: int | None, reinstall: bool
    ) -> list[tuple[str, Path]]:
        """Install it, and give the names with their folders."""
        ...

    def left_out(self) -> str:
        """Say what is left out and why, "" where nothing is."""
        ...


class _FromFile:
    """What an Artifacts.toml binds, from its sources."""

    def __init__(
        self,
        toml: Path,
        names: Sequence[str],
        platform: Platform | None,
        *,
        lazy: bool,
        julia: bool,
    ) -> None:
        self._toml = toml
        self._names = names or None
        self._platform = platform
        self._lazy = lazy
        self._julia = julia

    def plan(self, *, reinstall: bool) -> list[_Planned]:
        entries = entries_in(
            str(self._toml),
            self._names,
            platform=self._platform,
            include_lazy=self._lazy,
            run_hook=self._julia,
        )
        return [
            _Planned.of(
                entry,
                str(self._toml),
                next((each.size for each in entry.downloads if each.size), None),
                reinstall=reinstall,
            )
            for entry in entries
        ]

    def install(
        self, report: _Counting, *, jobs: int | None, reinstall: bool
    ) -> list[tuple[str, Path]]:
        if reinstall and self._names:
            _reinstall(self._names, self._toml, self._platform, report)
        found = _api.install_artifacts(
            self._toml,
            self._names,
            platform=self._platform,
            include_lazy=self._lazy,
            jobs=jobs,
            run_hook=self._julia,
            progress=report,
        )
        return list(found.items())

    def left_out(self) -> str:
        if self._names or self._lazy or self._julia:
            return ""
        every = entries_in(str(self._toml), platform=self._platform, include_lazy=True)
        lazy = sum(entry.lazy for entry in every)
        return f"{count_of(lazy, 'lazy artifact')} skipped: --include-lazy" * (lazy > 0)


class _FromBundle:
    """What a bundle holds, or what Artifacts.toml files bind of it."""

    def __init__(self, bundled: BundledArtifacts) -> None:
        self._bundled = bundled

    def plan(self, *, reinstall: bool) -> list[_Planned]:
        size = self._bundled.reader.size
        return [
            _Planned.of(entry, None, size(entry), reinstall=reinstall)
            if size(entry) is not None or find_installed(entry)
            else _Planned(entry.name, "fail")
            for entry in self._bundled.entries
        ]

    def install(
        self, report: _Counting, *, jobs: int | None, reinstall: bool
    ) -> list[tuple[str, Path]]:
        return self._bundled.install(reinstall=reinstall, jobs=jobs, report=report)

    def left_out(self) -> str:
        lazy = len(self._bundled.lacking)
        left_out = f"{count_of(lazy, 'lazy artifact')} skipped: the bundle has none"
        return left_out if lazy else ""


def _bundled(
    bundle: Path, files: Sequence[Path], platform: Platform | None, *, lazy: bool
) -> BundledArtifacts:
    from fetch_artifacts.authoring.mirrors.bundled import BundledArtifacts

    tomls = [resolve_toml(file) for file in files]
    return BundledArtifacts.choose(bundle, tomls, wanted(platform), include_lazy=lazy)


def _print_installed(installed: list[tuple[str, Path]], *, as_json: bool) -> None:
    if as_json:
        print_json([{"name": name, "path": str(where)} for name, where in installed])
        return
    # In a pipe, a tab; on a terminal, columns that few long names don't move.
    widths = [columns_of(name) for name, _ in installed]
    width = max((each for each in widths if each <= _LONGEST), default=0)
    for name, where in installed:
        start = f"{padded(name, width)}  " if sys.stdout.isatty() else f"{name}\t"
        print_path(f"{start}{where}")


class _Counting:
    """Hands progress on, and counts what was installed and its bytes."""

    def __init__(self, shown: progress.Progress | None) -> None:
        self._shown = shown
        self._lock = threading.Lock()
        self.installed = self.bytes = 0

    def __call__(self, event: progress.ProgressEvent) -> None:
        if event.stage == "installed":
            with self._lock:
                self.installed += len(event.name.split(", "))
                self.bytes += event.done
        if self._shown:
            self._shown(event)


def _summary(done: _Counting, there: int, left_out: str, seconds: float) -> str:
    text = show_counts({"installed": done.installed, "there already": there})
    if done.installed:
        text += f", {show_bytes(done.bytes)} in {show_seconds(seconds)}"
    return f"{text}; {left_out}" if left_out else text


class _Planned(NamedTuple):
    """What would be done for an entry."""

    name: str
    action: Literal["install", "reinstall", "none", "fail"]
    size: int | None = None
    path: Path | None = None

    @classmethod
    def of(
        cls,
        entry: ArtifactEntry,
        toml: str | None,
        size: int | None,
        *,
        reinstall: bool,
    ) -> _Planned:
        found = find_installed(entry, toml=toml)
        if found and not reinstall:
            return cls(entry.name, "none", size, found)
        return cls(entry.name, "reinstall" if found else "install", size, found)

    def __str__(self) -> str:
        much = f" ({show_bytes(self.size)})" if self.size else ""
        what = {
            "install": f"would be installed{much}",
            "reinstall": f"would be installed anew{much}",
            "none": f"there already, {self.path}",
            "fail": "would fail, the bundle lacks it",
        }
        return f"{self.name}: {what[self.action]}"

    def to_json(self) -> dict[str, object]:
        return {**self._asdict(), "path": self.path and str(self.path)}


def _reinstall(
    names: Sequence[str],
    toml: Path,
    platform: Platform | None,
    report: progress.Progress | None,
) -> None:
    """Install artifacts again."""
    from fetch_artifacts.install.installer import Installer
    from fetch_artifacts.install.repair import reinstall_entry

    with Installer(progress=report) as installer:
        for entry in entries_in(str(toml), names, platform=platform):
            reinstall_entry(entry, str(toml), installer)


COMMANDS: Final = (path, install)
