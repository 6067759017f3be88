"""Installed trees: a table on a terminal, lines for programs, JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from fetch_artifacts.cli.shared.printing import say
from fetch_artifacts.cli.shared.table import (
    folded_note,
    short_path,
    table_lines,
    terminal_width,
)
from fetch_artifacts.terminal.units import count_of, show_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta

    from fetch_artifacts.depot.override_edits import StatedOverride
    from fetch_artifacts.depot.usage.references import Use
    from fetch_artifacts.install.inventory import Installed

_WIDE: Final = 100  # columns


def show_age(age: timedelta) -> str:
    """Write an age for people, in its largest unit."""
    seconds = max(0, int(age.total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def print_installed(trees: Sequence[Installed]) -> None:
    """Print installed trees with what binds them, and with their sizes if known."""
    from fetch_artifacts.depot.usage.log import local_now

    now = local_now()
    if not sys.stdout.isatty():
        for tree in trees:
            _print_lines(tree, now)
        return
    for folder in dict.fromkeys(tree.path.parent for tree in trees):
        for line in folded_note(f"{short_path(folder)}:"):
            say(line)
        inside = [tree for tree in trees if tree.path.parent == folder]
        sized = ("SIZE", "FILES") if any(tree.size for tree in inside) else ()
        print_table(
            (*sized, "AGE", "TREE", "NAMES"),
            [_cells(tree, now) for tree in inside],
            [list(_notes(tree)) for tree in inside],
            numbers=1 + len(sized),
        )


def print_table(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    notes: Sequence[Sequence[str]],
    *,
    numbers: int,
) -> None:
    """Print a table on a terminal, unless it is empty.

    Args:
        titles: The title of each column.
        rows: The cells of each row.
        notes: The lines below each row.
        numbers: How many of the first columns are aligned to the right.
    """
    if not rows:
        return
    first, *shown = table_lines(titles, rows, numbers=numbers)
    say(first, colour="bright_black")
    for row, below in zip(shown, notes, strict=True):
        told = (line for note in below for line in folded_note(note))
        for line in (*row.split("\n"), *told):
            say(line)


def shown_hash(tree_hash: str) -> str:
    """A hash for a table: its start where the terminal is narrow."""
    return tree_hash if terminal_width() >= _WIDE else tree_hash[:12]


def installed_json(tree: Installed) -> dict[str, object]:
    """An installed tree as a JSON object."""
    uses = [
        {**use, "overridden": _override_json(tree.use_overrides.get(key))}
        for key, use in zip(tree.uses, uses_json(tree.uses), strict=True)
    ]
    return {
        "path": str(tree.path),
        "git_tree_sha1": str(tree.tree_hash),
        "installed": json_time(tree.since),
        **({"size": tree.size.bytes, "files": tree.size.files} if tree.size else {}),
        "uses": uses,
        "shared": tree.is_shared,
        "overridden": _override_json(tree.override),
    }


def json_time(when: datetime) -> str:
    """A local time as JSON has it: ISO 8601 in seconds, with the offset from UTC."""
    return when.astimezone().isoformat(timespec="seconds")


def uses_json(uses: Sequence[Use]) -> list[dict[str, str]]:
    """The uses of a tree as JSON objects."""
    return [{"name": use.name, "toml": str(use.toml)} for use in uses]


def _override_json(override: StatedOverride | None) -> dict[str, str] | None:
    return {"to": override.value, "by": str(override.path)} if override else None


def _cells(tree: Installed, now: datetime) -> tuple[str, ...]:
    sizes: tuple[str, ...] = ()
    if tree.size:
        sizes = show_bytes(tree.size.bytes), f"{tree.size.files:,}"
    names = ", ".join(dict.fromkeys(use.name for use in tree.uses))
    if tree.is_shared:
        names += " (shared)"
    age, tree_hash = show_age(now - tree.since), shown_hash(tree.path.name)
    return *sizes, age, tree_hash, names or "(none in use)"


def _notes(tree: Installed) -> Iterator[str]:
    """The lines below a tree in a table: who binds it, and what leads elsewhere."""
    if tree.override:
        yield from _override_notes(tree.override)
    for use in tree.uses:
        yield f"    {use.name} of {short_path(use.toml)}"
        if use in tree.use_overrides:
            yield from _override_notes(tree.use_overrides[use])


def _override_notes(override: StatedOverride) -> Iterator[str]:
    yield f"      overridden to {override.value}"
    yield f"      by {short_path(override.path)}"


def _print_lines(tree: Installed, now: datetime) -> None:
    size = f"{show_bytes(tree.size.bytes):>8}  " if tree.size else ""
    files = f"{count_of(tree.size.files, 'file'):>13}  " if tree.size else ""
    note = "" if tree.uses else "  (no file in use binds it)"
    if tree.is_shared:
        note = "  (shared)"
    if tree.override:
        note = _told(tree.override)
    say(f"{size}{files}{show_age(now - tree.since):>6}  {tree.path}{note}")
    for use in tree.uses:
        override = tree.use_overrides.get(use)
        say(f"    {use}{_told(override) if override else ''}")


def _told(override: StatedOverride) -> str:
    return f"  (overridden to {override.value} by {override.path})"
