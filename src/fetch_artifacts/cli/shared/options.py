"""What several commands share: options, files and output."""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fetch_artifacts.artifacts_toml.search import find_artifacts_toml
from fetch_artifacts.cli.shared.completing import complete_platforms
from fetch_artifacts.cli.shared.printing import tell, tell_done
from fetch_artifacts.cli.shared.toml_in_use import (
    named_or_found,
    require_project,
    tomls_below,
)
from fetch_artifacts.cli.shared.values import TomlPath, Value, number
from fetch_artifacts.settings.project import project_of
from fetch_artifacts.settings.pyproject import artifacts_toml_of_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fetch_artifacts.artifacts_toml.entry import DownloadSource
    from fetch_artifacts.authoring.binding import BindingOptions
    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.platforms.platform import Platform

_log: Final = logging.getLogger(__name__)

FAILED: Final = 1
_ENTRY_FLAGS: Final = ("lazy", "force", "keep_comments")
BINDING_OPTIONS: Final = (
    "--toml",
    "--platform",
    "--lazy",
    "--force",
    "--keep-comments",
)


def _parse_triplet(text: str) -> Platform:
    from fetch_artifacts.platforms.platform import Platform

    return Platform.parse(text)


toml_option = click.option(
    "--toml",
    "toml_path",
    type=TomlPath(),
    help="The Artifacts.toml, or its folder; without it, the one that pyproject.toml "
    "names, or the nearest in the working directory or above it.",
)
_triplet_option = functools.partial(
    click.option,
    "--platform",
    metavar="TRIPLET",
    shell_complete=complete_platforms,
    type=Value("triplet", _parse_triplet),
)
platform_option = _triplet_option(
    help="Choose entries for this triplet instead of this machine.  "
    "[env: FETCH_ARTIFACTS_PLATFORM]",
)
bound_platform_option = _triplet_option(
    help="Only the entry for this triplet; without it, all of them."
)
julia_option = click.option(
    "--julia",
    is_flag=True,
    help="Let a real Julia run the package's hook .pkg/select_artifacts.jl to choose "
    "entries. The hook is the package's own code.",
)
jobs_option = click.option(
    "--jobs",
    type=number(1, whole=True),
    metavar="N",
    help="How many downloads at once, 8 unless given.  "
    "[env: JULIA_PKG_CONCURRENT_DOWNLOADS]",
)
files_argument = click.argument("files", nargs=-1, type=TomlPath(), metavar="[FILE]...")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
comments_option = click.option(
    "--keep-comments/--no-keep-comments",
    default=None,
    help="Change the lines of this entry only, or rewrite the file as Julia would, "
    "which drops comments. Without either: rewrite it, unless it was written by hand.",
)


def bind_name(
    binding: BindingOptions,
    name: str,
    tree_hash: TreeHash,
    downloads: Iterable[DownloadSource] | None,
) -> None:
    """Bind a name, and say so on standard error."""
    binding.bind(name, tree_hash, downloads)
    tell_bound(binding, name)


def tell_bound(binding: BindingOptions, name: str) -> None:
    """Say on standard error that a name was bound."""
    which = f" for {binding.platform.triplet}" if binding.platform else ""
    tell_done(f"bound {name}{which} in {binding.toml}")


def binding_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options for an entry, as one argument ``binding``.

    It is None where the command's ``name`` is None, and so nothing is bound.
    """

    @functools.wraps(command)
    def with_binding(
        *, toml_path: Path | None, platform: Platform | None, **arguments: Any
    ) -> None:
        from fetch_artifacts.authoring.binding import BindingOptions

        flags = {name: arguments.pop(name) for name in _ENTRY_FLAGS}
        binding = None
        if arguments["name"] is not None:
            toml = _toml_to_write(toml_path)
            binding = BindingOptions(toml=toml, platform=platform, **flags)
        command(binding=binding, **arguments)

    for option in (
        comments_option,
        click.option("--force", is_flag=True, help="Replace an existing entry."),
        click.option(
            "--lazy", is_flag=True, help="Don't install it before its first use."
        ),
        _triplet_option(
            help="The platform of the artifact; without it, every platform."
        ),
        click.option(
            "--toml",
            "toml_path",
            type=TomlPath(missing=True),
            help="The Artifacts.toml to change, or its folder; without it, the one "
            "that pyproject.toml names, or the nearest in the working directory or "
            "above it, or a new one.",
        ),
    ):
        with_binding = option(with_binding)
    return with_binding


def _toml_to_write(toml_path: Path | None) -> Path:
    here = Path.cwd()
    found = toml_path or artifacts_toml_of_project(here) or find_artifacts_toml(here)
    if not found:
        found = here / "Artifacts.toml"
        _warn_of_second(here)
    return _in_use(found.absolute())


def _in_use(toml: Path) -> Path:
    """Give the file; the nearest pyproject.toml above it applies from now on.

    Raises:
        SettingsError: The pyproject.toml can't be understood.
    """
    _log.debug("the Artifacts.toml is %s", toml)
    click.get_current_context().with_resource(project_of(toml))
    require_project(Path.cwd())
    return toml


def _warn_of_second(here: Path) -> None:
    others = tomls_below(here)
    if others:
        shown = ", ".join(str(path.relative_to(here)) for path in others[:3])
        tell(
            f"there will be a second Artifacts.toml in {here}, beside {shown}; name "
            "the one to change with --toml, or as artifacts-toml of "
            "[tool.fetch-artifacts] in pyproject.toml",
            kind="warning",
        )


def resolve_tomls(files: Iterable[Path], toml_path: Path | None) -> list[Path]:
    """Give the files named, by argument and by ``--toml``, or the one found.

    Raises:
        ArtifactsTomlNotFoundError: None is named, and there is none.
        SettingsError: The pyproject.toml can't be understood.
    """
    named = (*files, *([toml_path] if toml_path else []))
    return [resolve_toml(path) for path in named or (None,)]


def resolve_toml(toml_path: Path | None) -> Path:
    """Give the file named, the project's, or the one found from here upwards.

    Raises:
        ArtifactsTomlNotFoundError: There is none.
        SettingsError: The pyproject.toml can't be understood.
    """
    return _in_use(named_or_found(toml_path))
