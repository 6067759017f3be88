"""Which depots JULIA_DEPOT_PATH names, by the rules of Julia 1.12."""

from __future__ import annotations

import contextlib
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fetch_artifacts.errors import SettingsError
from fetch_artifacts.files.paths import absolute
from fetch_artifacts.settings.user import expand_user, find_julia, home_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_Raw: TypeAlias = "str | bytes | None"

# os.environ takes a microsecond for a variable that is not set, as it catches an error.
# Each look-up asks, so it asks the dict behind that, where there is one.
_ENVIRON: Final = os.environ
_VARIABLES: Final[Any] = getattr(_ENVIRON, "_data", _ENVIRON)
_NAMES: Final = ("JULIA_DEPOT_PATH", "HOME", "JULIA", "PATH")
_KEYS: Final = tuple(map(getattr(_ENVIRON, "encodekey", str), _NAMES))

_only: Final[list[tuple[str, str]]] = []  # of only_depot; the last counts


def _expand_user(part: str, home: str) -> str:
    """Julia's expanduser (path.jl:516): ``~name`` is an error, not a look-up."""
    if not part.startswith("~") or sys.platform == "win32":
        return part
    if part == "~":
        return home
    if part.startswith("~/"):
        return home + part[1:]
    msg = (
        f"JULIA_DEPOT_PATH: expected ~ or ~/folder, found {part!r}: "
        "Julia does not look up other users' homes; write the folder out"
    )
    raise SettingsError(msg)


def parse_depot_path(
    value: str | None, *, home: str, bundled: Sequence[str] = ()
) -> tuple[str, ...]:
    """List the depots that Julia 1.12 would have (initdefs.jl:105-139).

    The entries are as Julia stores them: relative ones stay relative.

    Args:
        value: JULIA_DEPOT_PATH, None where it is not set.
        home: The home folder.
        bundled: The depots that come with a Julia, most specific first.

    Raises:
        SettingsError: An entry names another user's home.
    """
    user = os.path.join(home, ".julia")
    if value is None:
        return (user, *bundled)
    if not value:
        return ()
    depots: list[str] = []
    parts = value.split(os.pathsep)
    for part in parts:
        entries = [_expand_user(part, home)] if part else bundled
        depots.extend(entry for entry in entries if entry not in depots)
    if not parts[0]:
        depots.insert(0, user)
    return tuple(depots)


@lru_cache(maxsize=8)
def _bundled_depots(julia: Path | None) -> tuple[str, ...]:
    """The depots beside a Julia executable (initdefs.jl:97-103)."""
    if julia is None:
        return ()
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(julia)))
    return (f"{prefix}/local/share/julia", f"{prefix}/share/julia")


@lru_cache(maxsize=32)
def _is_plain(value: str | bytes) -> bool:
    """Whether a JULIA_DEPOT_PATH has only absolute folders."""
    return all(map(os.path.isabs, os.fsdecode(value).split(os.pathsep)))


def _names_home(value: str | None) -> bool:
    """Whether a JULIA_DEPOT_PATH has an entry below the home folder."""
    if not value:
        return value is None
    parts = value.split(os.pathsep)
    return not parts[0] or any(part.startswith("~") for part in parts)


@lru_cache(maxsize=32)
def _depots(
    raw: _Raw,
    _home: _Raw = None,  # what `home_folder` goes by
    julia: tuple[_Raw, _Raw] | None = None,
    here: str = "",
) -> tuple[str, ...]:
    value = _text(raw)
    user = home_folder() if _names_home(value) else ""
    bundled = _bundled_depots(find_julia(*map(_text, julia))) if julia else ()
    depots = parse_depot_path(value, home=user, bundled=bundled)
    return tuple(str(Path(here, depot)) for depot in depots)


def _text(raw: _Raw) -> str | None:
    return None if raw is None else os.fsdecode(raw)


@contextlib.contextmanager
def only_depot(path: str | os.PathLike[str], *, named_by: str) -> Iterator[None]:
    """Put one depot in place of JULIA_DEPOT_PATH, in all threads, within a block.

    Args:
        path: The depot.
        named_by: What names it, such as an option; errors say so.
    """
    _only.append((absolute(expand_user(path)), named_by))
    try:
        yield
    finally:
        _only.pop()


def depot_remedy() -> str:
    """How to use another depot than the first one, as the rest of a sentence."""
    if _only:
        return f"name a folder that you can write with {_only[-1][1]}"
    return "put a folder that you can write first in JULIA_DEPOT_PATH"


def depots_from_environ() -> tuple[str, ...]:
    """List the depots of this process: `parse_depot_path`, made absolute.

    ``..`` stays in them, as in Julia: what it means is the system's to say.

    Raises:
        SettingsError: JULIA_DEPOT_PATH names another user's home, or the user's own
            where there is none.
    """
    if _only:
        return (_only[-1][0],)
    get, (depot_path, home, julia, path) = _VARIABLES.get, _KEYS
    if os.environ is not _ENVIRON:  # the program has put another in its place
        get, (depot_path, home, julia, path) = os.environ.get, _NAMES
    value = get(depot_path)
    if value and _is_plain(value):
        return _depots(value)
    here = os.getcwd() if value else ""
    return _depots(value, get(home), (get(julia), get(path)), here)
