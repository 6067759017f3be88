"""What a shell completes: names and platforms of the Artifacts.toml at hand."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetch_artifacts.artifacts_toml.choosing import platforms_of
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.artifacts_toml.place import Place
from fetch_artifacts.artifacts_toml.search import find_artifacts_toml
from fetch_artifacts.depot.stack import artifacts_dirs
from fetch_artifacts.errors import FetchArtifactsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import click
    from click.shell_completion import CompletionItem


def complete_names(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """The names in the file that begin like this, except those that were given."""
    given = context.params.get("names") or ()
    names = (name for name in _table(context) if name not in given)
    return [name for name in names if name.startswith(incomplete)]


def complete_names_or_hashes(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    """The names in the file, and once something is typed, hashes of installed trees."""
    found = complete_names(context, parameter, incomplete)
    if incomplete:
        from fetch_artifacts.depot.usage.orphans import installed_trees

        with contextlib.suppress(FetchArtifactsError, OSError):  # shells show no errors
            for folder in artifacts_dirs():
                names = (tree.name for tree, _ in installed_trees(folder))
                found += [name for name in names if name.startswith(incomplete)]
    return found


def complete_files(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What the shell itself offers for a path."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def complete_names_or_files(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The names in the file, and what the shell offers for a path."""
    from click.shell_completion import CompletionItem

    names = map(CompletionItem, complete_names(context, parameter, incomplete))
    return [*names, *complete_files(context, parameter, incomplete)]


def complete_platforms(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """The triplets that entries of the file are bound for."""
    table = _table(context)
    triplets = {each for name in table for each in triplets_of(name, table)}
    return sorted(each for each in triplets if each.startswith(incomplete))


def triplets_of(name: str, table: Mapping[str, Any]) -> list[str]:
    """The triplets that a name is bound for, as far as they can be read."""
    value = table.get(name)
    if isinstance(value, list):
        with contextlib.suppress(FetchArtifactsError):
            bound = platforms_of(value, Place.of(name, None))
            return [platform.triplet for platform, _, _ in bound]
    return []


def complete_platforms_or_all(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    """The triplets that entries of the file are bound for, and ``all`` of them."""
    words = ["all"] if "all".startswith(incomplete) else []
    return words + complete_platforms(context, parameter, incomplete)


def _table(context: click.Context) -> Mapping[str, Any]:
    """The file that the command would read; empty where there is none."""
    named = context.params.get("toml_path")
    toml = Path(named) if named else find_artifacts_toml(Path.cwd())
    try:
        return load_artifacts_toml(toml) if toml else {}
    except (FetchArtifactsError, OSError):
        return {}
