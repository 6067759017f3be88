"""Julia's package server: its address, its request headers and its tokens.

A server has the archive of every registered artifact under ``/artifact/<tree hash>``
(Pkg.jl Artifacts.jl:429-533). Its sha256 is unknown, so only the tree hash is verified.
"""

from __future__ import annotations

import logging
import math
import re
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.errors import DownloadError
from fetch_artifacts.files.writing import write_atomically
from fetch_artifacts.julia_toml.reader import loads
from fetch_artifacts.julia_toml.writer import dumps
from fetch_artifacts.settings.environment import parse_bool
from fetch_artifacts.urls import is_secure, redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.platforms.platform import Platform

_log = logging.getLogger(__name__)

PUBLIC_SERVER: Final = "https://pkg.julialang.org"

# The Julia whose rules we follow. The User-Agent names us.
JULIA_VERSION: Final = "1.12.5"

SINCE: Final = {
    "folders as servers": (1, 13),  # file:///folder has a name under servers/
    "registered packages": (1, 13),  # install/registries.py
    "zstd": (1, 13),  # an archive may come compressed with zstd
}
"""Rules that hold where the host has this version of Julia or a later one."""

_MAY_BE_ZSTD: Final = re.compile("/(?:registry|package|artifact)/")
_CI_VARIABLES: Final = (  # Pkg.jl PlatformEngines.jl:200-213
    "APPVEYOR",
    "CI",
    "CI_SERVER",
    "CIRCLECI",
    "CONTINUOUS_INTEGRATION",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "JULIA_CI",
    "JULIA_PKGEVAL",
    "JULIA_REGISTRYCI_AUTOMERGE",
    "TF_BUILD",
    "TRAVIS",
)
_CI_STATES: Final = {True: "t", False: "f", None: "o"}
_EXTRA: Final = re.compile(r"JULIA_PKG_SERVER_([A-Z0-9_]+)", re.IGNORECASE | re.ASCII)
_VALID_FOR: Final = 600  # seconds that a token must still be good for


def server_url(value: str | None) -> str | None:
    """Give the server for a value of JULIA_PKG_SERVER, None for no server.

    Julia: ``pkg_server()`` (Pkg.jl:34-39).

    Args:
        value: The variable's value, None if it is unset.
    """
    if value is None:
        return PUBLIC_SERVER
    if not value:
        return None
    return (value if re.match(r"\w+://", value) else f"https://{value}").rstrip("/")


def artifact_url(server: str, tree_hash: TreeHash) -> str:
    """Give the URL of a tree's archive on a server."""
    return f"{server}/artifact/{tree_hash}"


def belongs_to(server: str, url: str) -> bool:
    """Whether a URL is on the server, so that its headers may be sent there."""
    return url == server or url.startswith(f"{server}/")


def holds(rule: str, platform: Platform) -> bool:
    """Whether a rule of `SINCE` holds for the Julia of a host's platform.

    Where it has none, the rules are those of `JULIA_VERSION`.
    """
    text = platform.tags.get("julia_version", JULIA_VERSION)
    version = tuple(int(number) for number in re.findall("[0-9]+", text)[:2])
    return version >= SINCE[rule]


def headers(
    server: str,
    url: str,
    *,
    platform: Platform,
    environ: Mapping[str, str],
    depot: Path,
    read: Callable[[str, Mapping[str, str]], bytes],
) -> dict[str, str]:
    """Give the headers of a request to the server, none for other URLs.

    They include the token of ``<depot>/servers/<server>/auth.toml``, which is renewed
    shortly before it expires.

    Args:
        server: The server, as `server_url` gives it.
        url: The URL of the request.
        platform: The host platform. Where it is that of a Julia with newer rules
            (`SINCE`), those hold.
        environ: The environment variables.
        depot: The first depot.
        read: Downloads a URL with the headers given. It may raise DownloadError.
    """
    local = holds("folders as servers", platform)
    folder = _server_directory(depot, server, local=local)
    if folder is None or not belongs_to(server, url):
        return {}
    known = _metadata(server, triplet=platform.triplet, environ=environ)
    if holds("zstd", platform) and _MAY_BE_ZSTD.search(url):
        known["Accept-Encoding"] = "zstd, gzip"
    return {**known, **_login(url, folder / "auth.toml", read)}


def _metadata(
    server: str, *, triplet: str, environ: Mapping[str, str]
) -> dict[str, str]:
    """PlatformEngines.jl:215 `get_metadata_headers`."""
    states = (f"{name}={_ci_state(environ.get(name))}" for name in _CI_VARIABLES)
    headers = {
        "Julia-Pkg-Protocol": "1.0",
        "Julia-Pkg-Server": server,
        "Julia-Version": JULIA_VERSION,
        "Julia-System": triplet,
        "Julia-CI-Variables": ";".join(states),
        "Julia-Interactive": "true" if hasattr(sys, "ps1") else "false",
    }
    for variable, value in environ.items():
        found = _EXTRA.fullmatch(variable)
        words = [word.title() for word in found[1].split("_") if word] if found else []
        if words and value.strip():
            headers.setdefault("-".join(["Julia", *words]), value.strip())
    return headers


def _ci_state(value: str | None) -> str:
    if value is None:
        return "n"
    return _CI_STATES[parse_bool(value.lower())]


def _server_directory(depot: Path, server: str, *, local: bool) -> Path | None:
    """PlatformEngines.jl:46 `get_server_dir`."""
    found = re.match(rf"\w+://{'/?' * local}([^\\/]+)(?:\Z|/)", server)
    if found is None:
        _log.warning("malformed Pkg server value %s", redacted(server))
        return None
    return depot / "servers" / re.sub(r'[:/<>"\\|?*]', "_", found[1])


def _login(
    url: str, file: Path, read: Callable[[str, Mapping[str, str]], bytes]
) -> dict[str, str]:
    """PlatformEngines.jl:102 `get_auth_header`."""
    if not file.is_file():
        return {}
    if not is_secure(url):
        _log.warning("%s: sending no token to it, it is not https", redacted(url))
        return {}
    try:
        auth = loads(file.read_bytes())
        lasts = _expires_at(auth, file) - time.time()
    except (OSError, ValueError) as error:
        _log.error("%s: sending no token, the file is damaged: %s", file, error)
        return {}
    if "access_token" in auth and lasts < _VALID_FOR:
        auth = _renewed(auth, file, read, expired=lasts <= 0)
    token = auth.get("access_token")
    if not isinstance(token, str):
        _log.warning("%s: expected an access_token in it, found none", file)
        return {}
    return {"Authorization": f"Bearer {token}"}


def _expires_at(auth: Mapping[str, Any], file: Path) -> float:
    moments = [float("inf")]
    if "expires_at" in auth:
        moments.append(_seconds(auth, "expires_at"))
    if "expires_in" in auth:
        moments.append(file.stat().st_mtime + _seconds(auth, "expires_in"))
    return min(moments)


def _seconds(auth: Mapping[str, Any], key: str) -> float:
    try:
        return float(auth[key])
    except (ValueError, TypeError, OverflowError):
        found = type(auth[key]).__name__  # the value may be a token
        msg = f"{key}: expected a finite number of seconds, found {found}"
        raise ValueError(msg) from None


def _renewed(
    auth: dict[str, Any],
    file: Path,
    read: Callable[[str, Mapping[str, str]], bytes],
    *,
    expired: bool,
) -> dict[str, Any]:
    """Give an auth.toml with a renewed token, or unchanged if renewal fails."""
    url, token = auth.get("refresh_url"), auth.get("refresh_token")
    if not isinstance(url, str) or not isinstance(token, str):
        if expired:
            _log.warning("%s: the token has expired, and can't be renewed", file)
        return auth
    if not is_secure(url):
        _log.warning("%s: its refresh_url is not https, so it is not used", file)
        return auth
    moment = time.time()
    try:
        new = loads(read(url, {"Authorization": f"Bearer {token}"}))
    except DownloadError as error:
        _log.warning("%s: the token can't be renewed: %s", file, error)
        return {}
    except (ValueError, RecursionError):
        new = {}
    if not isinstance(new.get("access_token"), str):
        _log.warning("%s: no access_token came from %s", file, redacted(url))
        return auth
    try:
        if isinstance(new.get("expires_in"), int | float):
            # An absolute time: the file's own may be that of another clock.
            new["expires_at"] = float(math.floor(moment + new["expires_in"]))
    except (ValueError, OverflowError):
        _log.warning(
            "%s: expected a finite number of seconds as expires_in from %s",
            file,
            redacted(url),
        )
        return auth
    try:
        write_atomically(file, dumps(new))
    except (OSError, ValueError, TypeError) as error:
        _log.warning("%s: the new token can't be kept: %s", file, error)
    return new
