"""Running an installed Julia."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fetch_artifacts.errors import JuliaError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# As Pkg starts a package's hook (Pkg.jl Operations.jl:884, 1371-1376)
_FLAGS: Final = (
    *("--startup-file=no", "--history-file=no", "--color=no"),
    *("-O0", "--compile=min", "-t1"),
)


def run_julia(
    julia: Path,
    arguments: Sequence[str],
    *,
    timeout: float,
    directory: Path | None = None,
) -> str:
    """Run Julia without input, and give its standard output.

    Args:
        julia: The executable.
        arguments: The arguments after the flags for a quick and quiet start.
        timeout: The seconds after which Julia is stopped.
        directory: The working directory, None for the current one.

    Raises:
        JuliaError: Julia could not be started, failed, or took too long.
    """
    import subprocess

    try:
        done = subprocess.run(  # noqa: S603 - the user's own Julia
            [str(julia.absolute()), *_FLAGS, *arguments],
            check=False,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        msg = f"{julia}: expected an answer within {timeout:g} s, got none"
        raise JuliaError(msg, julia=julia) from None
    except OSError as error:
        msg = f"{julia}: can't be started: {error}"
        raise JuliaError(msg, julia=julia) from error
    if done.returncode != 0:
        said = done.stderr.strip() or "nothing"
        msg = f"{julia}: failed with status {done.returncode}, saying: {said}"
        raise JuliaError(msg, julia=julia)
    return done.stdout
