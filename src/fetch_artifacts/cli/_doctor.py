"""The commands that explain what is wrong, and put it right."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.cli._options import FAILED, json_option, resolve_toml, toml_option
from fetch_artifacts.cli.shared.asking import dry_run_option
from fetch_artifacts.cli.shared.printing import (
    print_json,
    print_rows,
    say,
    say_text,
    tell_done,
)
from fetch_artifacts.terminal import progress
from fetch_artifacts.terminal.units import count_of


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--fix", is_flag=True, help="Write what is certain, and show the diff.")
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

    Without FILE, with the one found from the working directory upwards. --fix rewrites
    hashes and sizes that are wrong where the true ones are certain, and nothing else.
    Exits with 1 while anything is wrong; what begins with "note" is not.
    """
    from fetch_artifacts.artifacts_toml.editing import repair
    from fetch_artifacts.authoring.doctor import diagnose
    from fetch_artifacts.urls import redacted_text

    toml = resolve_toml(file or toml_path)
    with progress.show_progress() as report:
        diagnoses = diagnose(toml, report=report)
    print_rows(
        [it.being_fixed() for it in diagnoses] if fix else diagnoses, as_json=as_json
    )
    fixes = [diagnosis.fix for diagnosis in diagnoses if diagnosis.fix]
    if fix and fixes:
        text = repair(toml, fixes, dry_run=dry_run)
        say_text(redacted_text(text), err=as_json)
    wrong = [it for it in diagnoses if not it.harmless and not (fix and it.fix)]
    repaired = f", {count_of(len(fixes), 'value')} repaired" if fix and fixes else ""
    left = f"{len(wrong)} wrong" if wrong else "nothing wrong"
    names = count_of(len(load_artifacts_toml(toml)), "artifact")
    tell_done(f"{toml}: {names}, {left}{repaired}")
    if wrong:
        raise SystemExit(FAILED)


@click.command()
@click.argument("first")
@click.argument("second")
@json_option
def diff(first: str, second: str, *, as_json: bool) -> None:
    """Explain why two trees have different hashes.

    FIRST and SECOND are folders, archives, or hashes of installed artifacts. Exits
    with 1 where they differ.
    """
    from fetch_artifacts.authoring.tree_diff import (
        compare_trees,
        containment,
        read_tree,
    )

    one, other = read_tree(first), read_tree(second)
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


COMMANDS: Final = (doctor, diff)
