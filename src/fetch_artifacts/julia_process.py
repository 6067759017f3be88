"""Starting a real Julia, for the few things that only Julia knows."""

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
    """What a Julia prints, started with these arguments and without input.

    Args:
        julia: The executable.
        arguments: What follows the flags that make a quick and quiet start.
        timeout: After how many seconds to give up.
        directory: Where to start it, None for the working directory.

    Raises:
        JuliaError: It could not be started, failed, or took too long.
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
