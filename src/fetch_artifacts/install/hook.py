"""A package's own way to choose its artifacts: ``.pkg/select_artifacts.jl``.

If a package has this script, Pkg (1.7 and later) runs it and installs the artifacts
that it prints (Pkg.jl Operations.jl:874-905). Only a real Julia can run it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.errors import JuliaError
from fetch_artifacts.files.toml_text import parse_toml
from fetch_artifacts.julia_process import run_julia

if TYPE_CHECKING:
    from pathlib import Path

    from fetch_artifacts.platforms.platform import Platform

_TIMEOUT: Final = 600.0  # seconds; a hook may have to compile its dependencies first


def find_hook(artifacts_toml: Path) -> Path | None:
    """The hook of the package that an Artifacts.toml belongs to, None without one."""
    hook = artifacts_toml.parent / ".pkg" / "select_artifacts.jl"
    return hook if hook.is_file() else None


def hook_warning(hook: Path) -> str:
    """The warning for a user whose artifacts were chosen without running the hook."""
    return (
        f"{hook}: in Julia this script chooses the package's artifacts, by tags that "
        "it finds out on the machine; without running it the choice may differ. "
        "Give the tags in the platform, such as x86_64-linux-gnu-cuda+12.4, or let a "
        "real Julia run it, with --julia or install_artifacts(run_hook=True)."
    )


def run_hook(
    hook: Path, platform: Platform, *, julia: Path, timeout: float = _TIMEOUT
) -> dict[str, Any]:
    """Run a hook, and give the entries that it chooses by name.

    The script is the package's code and runs with the user's rights.

    Args:
        hook: The script, as `find_hook` gives it.
        platform: The platform to choose for.
        julia: The Julia executable that runs it.
        timeout: Seconds until it is stopped.

    Raises:
        JuliaError: Julia failed, or printed anything but artifacts.
        PlatformError: The platform has no triplet.
    """
    printed = run_julia(
        julia,
        [hook.name, platform.triplet],
        directory=hook.parent,
        timeout=timeout,
    )
    try:
        chosen = parse_toml(printed)
    except ValueError as error:
        msg = f"{hook}: expected it to print TOML, found {error} in:\n{printed}"
        raise JuliaError(msg, julia=julia) from error
    for name, entry in chosen.items():
        if not isinstance(entry, dict):
            msg = f"{hook}: expected it to print a table as {name!r}, found {entry!r}"
            raise JuliaError(msg, julia=julia)
    return chosen
