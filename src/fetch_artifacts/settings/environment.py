"""What the environment says; nothing else in this package reads it.

| variable | meaning |
| --- | --- |
| JULIA_DEPOT_PATH | the depots, by the rules of Julia 1.12 |
| JULIA_PKG_SERVER | asked first when set; "" means never |
| JULIA_PKG_IGNORE_HASHES | install a tree whose hash is not the expected one |
| JULIA_PKG_CONCURRENT_DOWNLOADS | downloads at once, 8 unless set |
| FETCH_ARTIFACTS_MAX_SIZE | bytes that an archive may unpack to, 1 TiB unless set |
| FETCH_ARTIFACTS_MAX_MEMBERS | how many files, links and folders it may have |
| JULIA_PKG_OFFLINE, FETCH_ARTIFACTS_OFFLINE | never touch the network |
| BINARYPROVIDER_COPYDEREF | unpack symbolic links as copies |
| FETCH_ARTIFACTS_PLATFORM | the triplet to choose entries for |
| JULIA | the Julia executable, where it is not the one on PATH |
| REQUESTS_CA_BUNDLE, JULIA_SSL_CA_ROOTS_PATH, SSL_CERT_FILE | CA certificates |
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Base env.jl:117-129 takes each word in lower, Capitalised and UPPER case.
_TRUE: Final = frozenset({"t", "true", "y", "yes", "1"})
_FALSE: Final = frozenset({"f", "false", "n", "no", "0"})


def _parse_bool(text: str) -> bool | None:
    if text not in {text.lower(), text.upper(), text.capitalize()}:
        return None
    word = text.lower()
    return True if word in _TRUE else False if word in _FALSE else None


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
def _find_julia(named: str | None, path: str | None) -> Path | None:
    import shutil

    found = shutil.which(named or "julia", path=path)
    return Path(found) if found else None


@lru_cache(maxsize=8)
def _bundled_depots(julia: Path | None) -> tuple[str, ...]:
    """The depots beside a Julia executable (initdefs.jl:97-103)."""
    if julia is None:
        return ()
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(julia)))
    return (f"{prefix}/local/share/julia", f"{prefix}/share/julia")


@lru_cache(maxsize=32)
def _is_plain(value: str) -> bool:
    """Whether a JULIA_DEPOT_PATH says all by itself: only absolute folders."""
    return all(map(os.path.isabs, value.split(os.pathsep)))


@lru_cache(maxsize=32)
def _depots(
    value: str | None,
    home: str | None = None,
    julia: tuple[str | None, str | None] | None = None,
    here: str = "",
) -> tuple[str, ...]:
    user = home or os.path.expanduser("~")
    bundled = _bundled_depots(_find_julia(*julia)) if julia else ()
    depots = parse_depot_path(value, home=user, bundled=bundled)
    return tuple(os.path.normpath(os.path.join(here, depot)) for depot in depots)


def depots_from_environ() -> tuple[str, ...]:
    """List the depots of this process: `parse_depot_path`, made absolute.

    Raises:
        SettingsError: JULIA_DEPOT_PATH names another user's home.
    """
    get = os.environ.get
    value = get("JULIA_DEPOT_PATH")
    if value and _is_plain(value):
        return _depots(value)  # as text: this is done at each look-up
    here = os.getcwd() if value else ""
    return _depots(value, get("HOME"), (get("JULIA"), get("PATH")), here)


def _flag(environ: Mapping[str, str], name: str) -> bool:
    value = environ.get(name, "")
    parsed = _parse_bool(value) if value else False
    if parsed is None:
        msg = f"{name}: expected true or false, found {value!r}"
        raise SettingsError(msg)
    return parsed


def _count(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, str(default))
    count = int(text) if text.strip().isdecimal() else 0
    if count < 1:
        msg = f"{name}: expected a whole number of at least 1, found {text!r}"
        raise SettingsError(msg)
    return count


def _user_folder(environ: Mapping[str, str], xdg: str, fallback: str) -> Path:
    if sys.platform == "win32":
        base = environ.get("LOCALAPPDATA") or os.path.expanduser("~/AppData/Local")
    else:
        base = environ.get(xdg) or os.path.expanduser(fallback)
    return Path(base) / "fetch-artifacts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment of one moment, parsed.

    Attributes:
        pkg_server: JULIA_PKG_SERVER as it stands, None where it is not set.
        offline: The variable that forbids the network, "" where none does.
        ignore_hashes: JULIA_PKG_IGNORE_HASHES as it stands, "" where it is not set.
        concurrent_downloads: How many downloads may run at once.
        max_size: How many bytes the files of one archive may have together.
        max_members: How many files, links and folders one archive may have.
        copy_symlinks: Whether links are unpacked as copies; None: where they must.
        ca_bundle: A file or folder of CA certificates, None for requests' own.
        platform: The triplet to choose entries for, None for the host's.
        julia: The Julia executable, None where there is none.
        user_cache: This package's folder for what can be found out again.
        user_config: This package's folder for what a user writes.
        environ: The variables as they stand, for what is only passed on: headers to
            the Pkg server, and the credentials that a configuration names.
    """

    pkg_server: str | None
    offline: str
    ignore_hashes: str
    concurrent_downloads: int
    max_size: int
    max_members: int
    copy_symlinks: bool | None
    ca_bundle: Path | None
    platform: str | None
    julia: Path | None
    user_cache: Path
    user_config: Path
    environ: Mapping[str, str] = field(repr=False)  # there are secrets in it

    @classmethod
    def from_environ(cls) -> Settings:
        """Read the environment.

        Raises:
            SettingsError: A variable has a value that means nothing.
        """
        environ = os.environ
        switches = ("FETCH_ARTIFACTS_OFFLINE", "JULIA_PKG_OFFLINE")
        offline = next((name for name in switches if _flag(environ, name)), "")
        # The order of requests first, then that of Julia's NetworkOptions.
        bundles = ("REQUESTS_CA_BUNDLE", "JULIA_SSL_CA_ROOTS_PATH", "SSL_CERT_FILE")
        bundle = next((environ[name] for name in bundles if environ.get(name)), None)
        return cls(
            pkg_server=environ.get("JULIA_PKG_SERVER"),
            offline=offline,
            ignore_hashes=environ.get("JULIA_PKG_IGNORE_HASHES", ""),
            # Pkg.jl Types.jl:463-471
            concurrent_downloads=_count(environ, "JULIA_PKG_CONCURRENT_DOWNLOADS", 8),
            max_size=_count(environ, "FETCH_ARTIFACTS_MAX_SIZE", 1 << 40),
            max_members=_count(environ, "FETCH_ARTIFACTS_MAX_MEMBERS", 10_000_000),
            copy_symlinks=_parse_bool(
                environ.get("BINARYPROVIDER_COPYDEREF", "").lower()
            ),
            ca_bundle=Path(bundle) if bundle else None,
            platform=environ.get("FETCH_ARTIFACTS_PLATFORM") or None,
            julia=_find_julia(environ.get("JULIA"), environ.get("PATH")),
            user_cache=_user_folder(environ, "XDG_CACHE_HOME", "~/.cache"),
            user_config=_user_folder(environ, "XDG_CONFIG_HOME", "~/.config"),
            environ=dict(environ),
        )

    def ignores_hashes(self) -> bool | None:
        """Whether a wrong tree hash is let through; None where nothing was said.

        A value that is no yes or no means no (Pkg.jl Artifacts.jl:379-386).
        """
        return (
            (_parse_bool(self.ignore_hashes) or False) if self.ignore_hashes else None
        )
