"""The commands that inspect files, folders, archives and machines, and repair files."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast, get_args

import click

from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.cli.shared.asking import dry_run_option
from fetch_artifacts.cli.shared.completing import complete_names_or_files
from fetch_artifacts.cli.shared.grammar import command, refuse_options
from fetch_artifacts.cli.shared.options import (
    FAILED,
    json_option,
    platform_option,
    resolve_toml,
    toml_option,
)
from fetch_artifacts.cli.shared.printing import (
    print_json,
    print_rows,
    say,
    say_text,
    tell_done,
)
from fetch_artifacts.cli.shared.toml_in_use import require_project
from fetch_artifacts.cli.shared.values import NamedPath, TomlPath, word
from fetch_artifacts.digests import Algorithm, is_tree_hash
from fetch_artifacts.errors import (
    ArtifactNotFoundError,
    ArtifactsTomlError,
    ArtifactsTomlNotFoundError,
    FetchArtifactsError,
    NotAFolderError,
)
from fetch_artifacts.install.lookup import locate
from fetch_artifacts.terminal import progress
from fetch_artifacts.terminal.units import count_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.platforms.platform import Platform

_log = logging.getLogger(__name__)

_TREE: Final = word("a folder, an archive, a hash or a name")


@command("hash")
@click.argument("path", type=NamedPath(exists=True))
@click.option(
    "--algorithm",
    type=click.Choice(get_args(Algorithm)),
    default="git-sha1",
    show_default=True,
    help="For a folder; an archive has a git-sha1 only.",
)
@click.option("--tree", "as_tree", is_flag=True, help="Print every entry's hash too.")
@json_option
def hash_(path: Path, algorithm: str, *, as_tree: bool, as_json: bool) -> None:
    """Print the git-tree-sha1 of PATH, a folder or an archive.

    It is the hash that installing the archive must give, by the rules of Julia's Pkg:
    of modes only the owner's execute bit counts, and folders without files and
    anything called .git are left out.
    """
    lines: list[str] = []
    if as_tree:
        from fetch_artifacts.authoring.tree_diff import tree_lines

        lines = list(map(str, tree_lines(path)))
    if as_json:
        found = str(_tree_hash(path, cast("Algorithm", algorithm)))
        facts = {"path": str(path), "algorithm": algorithm, "hash": found}
        print_json({**facts, "tree": lines} if as_tree else facts)
        return
    for line in lines:
        say(line)
    say(_tree_hash(path, cast("Algorithm", algorithm)))


def _tree_hash(path: Path, algorithm: Algorithm) -> TreeHash:
    if path.is_dir():
        from fetch_artifacts.git_tools.tree_hash import hash_directory

        return hash_directory(path, algorithm=algorithm)
    if algorithm != "git-sha1":
        msg = f"{path}: an archive's tree has a git-sha1 only"
        raise click.UsageError(msg)
    from fetch_artifacts.archive.doubts import doubts
    from fetch_artifacts.archive.tree import read_archive_file
    from fetch_artifacts.settings.environment import Settings
    from fetch_artifacts.tar.limits import UnpackLimits

    limits = UnpackLimits.of(Settings.from_environ())
    tree = read_archive_file(path, limits)
    for doubt in doubts(tree):
        _log.warning("%s: %s", path, doubt)
    return tree.tree_hash


@command("platform")
@platform_option
@json_option
def platform_(platform: Platform | None, *, as_json: bool) -> None:
    """Print the platform that entries are chosen for, and why.

    That is its triplet, and each tag with where it comes from.
    """
    from fetch_artifacts.platforms.host_facts import facts_of, host_facts

    require_project(Path.cwd())
    facts = facts_of(platform, "--platform") if platform else host_facts()
    if as_json:
        tags = {
            fact.tag: {"value": fact.value, "source": fact.source}
            for fact in facts.tags
        }
        print_json({"triplet": facts.triplet, "tags": tags})
        return
    say(facts.triplet)
    for fact in facts.tags:
        say(f"  {fact.tag} = {fact.value}  ({fact.source})")


@command()
@click.argument("files", nargs=-1, type=TomlPath(missing=True), metavar="[FILE]...")
@toml_option
@json_option
def check(files: tuple[Path, ...], toml_path: Path | None, *, as_json: bool) -> None:
    """Check Artifacts.toml files, without downloading anything.

    Prints one line for each fault. Without FILE, it checks the one of the working
    directory or above it. Exits with 1 if anything is wrong; a line that begins
    with "note:" is only advice. `doctor` downloads the sources and checks them too.
    """
    from fetch_artifacts.artifacts_toml.check import check_files
    from fetch_artifacts.install.inventory import override_findings

    require_project(Path.cwd())
    paths = [*files, *([resolve_toml(toml_path)] if toml_path or not files else [])]
    findings = list(check_files(paths))
    for path in paths:
        with contextlib.suppress(ArtifactsTomlError):  # a finding already
            findings += override_findings(path)
    print_rows(findings, as_json=as_json)
    wrong = sum(not finding.harmless for finding in findings)
    found = f"{wrong} wrong" if wrong else "nothing wrong"
    tell_done(f"{_contents(paths)}, {found}")
    if not all(finding.harmless for finding in findings):
        raise SystemExit(FAILED)


def _contents(tomls: Sequence[Path]) -> str:
    """How much there is in files, of those that can be read."""
    from fetch_artifacts.artifacts_toml.file import load_artifacts_toml

    artifacts = entries = 0
    for toml in tomls:
        with contextlib.suppress(FetchArtifactsError, OSError):
            table = load_artifacts_toml(toml)
            artifacts += len(table)
            entries += sum(
                len(each) if isinstance(each, list) else 1 for each in table.values()
            )
    entry = "entry" if entries == 1 else "entries"
    return f"{count_of(artifacts, 'artifact')}, {entries} {entry}"


@command()
@click.argument("file", required=False, type=TomlPath())
@click.option(
    "--fix", is_flag=True, help="Write repairs that are certain, and show the diff."
)
@dry_run_option
@toml_option
@json_option
def doctor(
    file: Path | None,
    toml_path: Path | None,
    *,
    fix: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Download every source of the file, and report what is wrong.

    FILE is an Artifacts.toml; without it, the one of the working directory or above it
    is taken. --fix rewrites wrong hashes and sizes where the true ones are certain, and
    nothing else. Exits with 1 while anything is wrong; a line that begins with
    "note:" is only advice.
    """
    from fetch_artifacts.artifacts_toml.editing import repair
    from fetch_artifacts.authoring.doctor import diagnose
    from fetch_artifacts.urls import redacted_text

    if file:
        refuse_options("beside FILE", "--toml")
    toml = resolve_toml(file or toml_path)
    with progress.show_progress() as report:
        diagnoses = diagnose(toml, report=report)
    print_rows(
        [it.being_fixed(dry_run=dry_run) for it in diagnoses] if fix else diagnoses,
        as_json=as_json,
    )
    fixes = [diagnosis.fix for diagnosis in diagnoses if diagnosis.fix]
    if fix and fixes:
        text = repair(toml, fixes, dry_run=dry_run)
        say_text(redacted_text(text), err=as_json)
    mends = fix and not dry_run
    wrong = [it for it in diagnoses if not it.harmless and not (mends and it.fix)]
    did = "to be repaired" if dry_run else "repaired"
    repaired = f", {count_of(len(fixes), 'value')} {did}" if fix and fixes else ""
    left = f"{len(wrong)} wrong" if wrong else "nothing wrong"
    names = ""
    with contextlib.suppress(ArtifactsTomlError):  # a finding already
        names = count_of(len(load_artifacts_toml(toml)), "artifact") + ", "
    tell_done(f"{toml}: {names}{left}{repaired}")
    if wrong:
        raise SystemExit(FAILED)


def _places(
    given: Sequence[str], toml_path: Path | None, platform: Platform | None
) -> Iterator[str]:
    """The folders of artifacts that are given by name; all else as it is."""
    names = {each for each in given if not (Path(each).exists() or is_tree_hash(each))}
    if not names:
        refuse_options("where neither tree is given by name", "--toml", "--platform")
    for place in given:
        found = place
        if place in names:
            with contextlib.suppress(ArtifactNotFoundError, ArtifactsTomlNotFoundError):
                toml = str(resolve_toml(toml_path))
                found = str(locate(place, toml, platform=platform))
        yield found


@command(example="fetch-artifacts diff MyData my_data.tar.gz")
@click.argument("first", type=_TREE, shell_complete=complete_names_or_files)
@click.argument("second", type=_TREE, shell_complete=complete_names_or_files)
@toml_option
@platform_option
@json_option
def diff(
    first: str,
    second: str,
    toml_path: Path | None,
    platform: Platform | None,
    *,
    as_json: bool,
) -> None:
    """Explain why two trees have different hashes.

    FIRST and SECOND are folders, archives, hashes of installed artifacts, or names in
    an Artifacts.toml, which are installed first if missing. Exits with 1 if they
    differ.
    """
    from fetch_artifacts.authoring.tree_diff import (
        compare_trees,
        containment,
        read_tree,
    )

    try:
        one, other = map(read_tree, _places((first, second), toml_path, platform))
    except NotAFolderError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        same = one.tree_hash == other.tree_hash
        print_json(
            {
                "first": str(one.tree_hash),
                "second": str(other.tree_hash),
                "reason": "" if same else containment(one, other),
                "differences": []
                if same
                else [str(each) for each in compare_trees(one, other)],
            }
        )
        if not same:
            raise SystemExit(FAILED)
        return
    if one.tree_hash == other.tree_hash:
        say(f"both have the git-tree-sha1 {one.tree_hash}")
        return
    for place, tree in ((first, one), (second, other)):
        say(f"{tree.tree_hash}  {place}")
    reason = containment(one, other)
    if reason:
        say(reason)
    else:
        for difference in compare_trees(one, other):
            say(difference)
    raise SystemExit(FAILED)


COMMANDS: Final = (hash_, platform_, check, doctor, diff)
