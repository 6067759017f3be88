"""What the environment says; only `settings` reads it.

| variable | meaning |
| --- | --- |
| JULIA_DEPOT_PATH | the depots, by the rules of Julia 1.12 |
| JULIA_PKG_SERVER | asked first when set; "" means never |
| JULIA_PKG_IGNORE_HASHES | install a tree whose hash is not the expected one |
| JULIA_PKG_CONCURRENT_DOWNLOADS | downloads at once, 8 unless set |
| FETCH_ARTIFACTS_MAX_SIZE | bytes that an archive may unpack to, 1 TiB unless set |
| FETCH_ARTIFACTS_MAX_MEMBERS | files, links and folders in it, 10 million unless set |
| FETCH_ARTIFACTS_MAX_NAMES | bytes of memory for their names, 54 MiB unless set |
| FETCH_ARTIFACTS_MAX_WINDOW | bytes of memory to decompress, 8 MiB unless set |
| JULIA_PKG_OFFLINE, FETCH_ARTIFACTS_OFFLINE | never touch the network |
| FETCH_ARTIFACTS_FSYNC | "false": don't wait until new trees are on the disk |
| BINARYPROVIDER_COPYDEREF | unpack symbolic links as copies |
| FETCH_ARTIFACTS_MIRRORS | addresses to ask before all others, separated by spaces |
| FETCH_ARTIFACTS_PLATFORM | the triplet to choose entries for |
| FETCH_ARTIFACTS_ORACLE | the Julia to compare with: auto, juliacall, process, a path |
| JULIA | the Julia executable, where it is not the one on PATH |
| REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE | a file or folder of CA certificates, or else: |
| JULIA_SSL_CA_ROOTS_PATH, SSL_CERT_DIR, SSL_CERT_FILE | the same, as for Julia |
| JULIA_SSL_NO_VERIFY_HOSTS, JULIA_NO_VERIFY_HOSTS | hosts without a valid certificate |
| JULIA_ALWAYS_VERIFY_HOSTS | hosts whose certificate counts in spite of those two |
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.errors import SettingsError
from fetch_artifacts.settings.network_options import ca_roots, verify_host
from fetch_artifacts.settings.user import find_julia, home_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What an archive may unpack to unless the environment says otherwise.
MAX_SIZE: Final = 1 << 40
MAX_MEMBERS: Final = 10_000_000
MAX_NAMES: Final = 54 << 20
MAX_WINDOW: Final = 8 << 20

# Base env.jl:117-129 takes each word in lower, Capitalised and UPPER case.
_TRUE: Final = frozenset({"t", "true", "y", "yes", "1"})
_FALSE: Final = frozenset({"f", "false", "n", "no", "0"})


def parse_bool(text: str) -> bool | None:
    """Read a switch as Julia does; None if the text means neither true nor false."""
    if text not in {text.lower(), text.upper(), text.capitalize()}:
        return None
    word = text.lower()
    return True if word in _TRUE else False if word in _FALSE else None


def flushes_trees() -> bool:
    """Whether a new tree must be on the disk before it is renamed into place.

    Without that, a power cut can leave trees whose files are empty; whoever installs
    onto a disk that is thrown away anyway saves the time with FETCH_ARTIFACTS_FSYNC.

    Raises:
        SettingsError: The value of the variable is not valid.
    """
    return _flag(os.environ, "FETCH_ARTIFACTS_FSYNC", default=True)


def proxy_variable(scheme: str, proxy: str) -> str | None:
    """The variable that sends requests of a scheme to a proxy, as requests reads it.

    None where it is not a variable that does, but the settings of Windows or macOS.
    """
    names = (f"{scheme}_proxy", "all_proxy")
    spelt = (each for name in names for each in (name, name.upper()))
    return next((name for name in spelt if os.environ.get(name) == proxy), None)


_offline_by: Final[list[str]] = []  # of offline_by; the last counts


@contextlib.contextmanager
def offline_by(reason: str) -> Iterator[None]:
    """Forbid the network in all threads within a block.

    Args:
        reason: What forbids it, such as an option; errors name it.
    """
    _offline_by.append(reason)
    try:
        yield
    finally:
        _offline_by.pop()


def _flag(environ: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    value = environ.get(name, "")
    parsed = parse_bool(value) if value else default
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
    variable = "LOCALAPPDATA" if sys.platform == "win32" else xdg
    base = environ.get(variable, "")
    if not os.path.isabs(base):  # the XDG specification: such a path is ignored
        windows = "AppData/Local" if sys.platform == "win32" else fallback
        try:
            base = os.path.join(home_folder(), windows)
        except SettingsError:  # nothing is there, and nothing can be made there
            base = os.devnull
    return Path(base) / "fetch-artifacts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment of one moment, parsed.

    Attributes:
        pkg_server: JULIA_PKG_SERVER as it stands, None where it is not set.
        offline: The variable or option that forbids the network, or "".
        ignore_hashes: JULIA_PKG_IGNORE_HASHES as it stands, "" where it is not set.
        concurrent_downloads: How many downloads may run at once.
        max_size: How many bytes one archive may occupy when it is unpacked.
        max_members: How many files, links and folders one archive may have.
        max_names: How many bytes of memory their names and link targets may take.
        max_window: How many bytes of memory decompressing an archive may take.
        copy_symlinks: Whether links are unpacked as copies; None: where they must.
        ca_bundle: The variable that names a file or folder of CA certificates, and
            that path; None for requests' own.
        platform: The triplet to choose entries for, None for the host's.
        julia: The Julia executable, None where there is none.
        oracle: Which Julia to compare with: auto, juliacall, process, or a path.
        user_cache: This package's folder for data that can be computed again.
        user_config: This package's folder for files that a user writes.
        environ: All variables, for headers to the Pkg server and for the credentials
            that a configuration names.
    """

    pkg_server: str | None
    offline: str
    ignore_hashes: str
    concurrent_downloads: int
    max_size: int
    max_members: int
    max_names: int
    max_window: int
    copy_symlinks: bool | None
    ca_bundle: tuple[str, str] | None
    platform: str | None
    julia: Path | None
    oracle: str
    user_cache: Path
    user_config: Path
    environ: Mapping[str, str] = field(repr=False)  # there are secrets in it

    @classmethod
    def from_environ(cls) -> Settings:
        """Read the environment.

        Raises:
            SettingsError: The value of a variable is not valid.
        """
        environ = dict(os.environ)  # which encodes each name that it is asked for
        switches = ("FETCH_ARTIFACTS_OFFLINE", "JULIA_PKG_OFFLINE")
        offline = next((name for name in switches if _flag(environ, name)), "")
        offline = next(reversed(_offline_by), offline)
        return cls(
            pkg_server=environ.get("JULIA_PKG_SERVER"),
            offline=offline,
            ignore_hashes=environ.get("JULIA_PKG_IGNORE_HASHES", ""),
            # Pkg.jl Types.jl:463-471
            concurrent_downloads=_count(environ, "JULIA_PKG_CONCURRENT_DOWNLOADS", 8),
            max_size=_count(environ, "FETCH_ARTIFACTS_MAX_SIZE", MAX_SIZE),
            max_members=_count(environ, "FETCH_ARTIFACTS_MAX_MEMBERS", MAX_MEMBERS),
            max_names=_count(environ, "FETCH_ARTIFACTS_MAX_NAMES", MAX_NAMES),
            max_window=_count(environ, "FETCH_ARTIFACTS_MAX_WINDOW", MAX_WINDOW),
            copy_symlinks=parse_bool(
                environ.get("BINARYPROVIDER_COPYDEREF", "").lower()
            ),
            ca_bundle=ca_roots(environ),
            platform=environ.get("FETCH_ARTIFACTS_PLATFORM") or None,
            julia=find_julia(environ.get("JULIA"), environ.get("PATH")),
            oracle=environ.get("FETCH_ARTIFACTS_ORACLE") or "auto",
            user_cache=_user_folder(environ, "XDG_CACHE_HOME", ".cache"),
            user_config=_user_folder(environ, "XDG_CONFIG_HOME", ".config"),
            environ=environ,
        )

    def tls_verify(self, host: str) -> bool | str:
        """How to verify a host's certificate, as requests takes it."""
        if not verify_host(self.environ, host):
            return False
        return self.ca_bundle[1] if self.ca_bundle else True

    def ignores_hashes(self) -> bool | None:
        """Whether a wrong tree hash is accepted; None if the variable is not set.

        A value that is neither true nor false counts as false (Pkg.jl
        Artifacts.jl:379-386).
        """
        return (parse_bool(self.ignore_hashes) or False) if self.ignore_hashes else None
