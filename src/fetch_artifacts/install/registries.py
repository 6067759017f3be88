"""Which packages a package server may be asked for: those in a registry it serves.

Since Julia 1.13 that holds for what installs a package's artifacts as a whole, such as
``Pkg.instantiate``; a request for one artifact goes to the server in any case (Pkg.jl
Operations.jl:1330 and Registry.jl:156 ``is_pkg_in_pkgserver_registry``).
"""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts import julia_toml
from fetch_artifacts.archive.members import archive_members
from fetch_artifacts.errors import DownloadError, UnpackError
from fetch_artifacts.files.regular import open_regular, read_regular
from fetch_artifacts.tar.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_log = logging.getLogger(__name__)

_SERVED: Final = re.compile(rb"/registry/([^/\r\n]+)/[^/\r\n]+")
_REGISTRY_TOML: Final = "Registry.toml"
_CHUNK: Final = 1 << 18
_UNREADABLE: Final = (OSError, ValueError, LookupError, TypeError, UnpackError)


def may_ask(
    server: str,
    package: str | None,
    depots: Iterable[Path],
    read: Callable[[str], bytes],
) -> bool:
    """Whether a server serves a registry, found in some depot, that has the package.

    Args:
        server: The server, as `fetch_artifacts.network.pkg_server.server_url` gives it.
        package: The package's UUID, in lower case; None where it has none.
        depots: The depots.
        read: Downloads a URL. It may raise DownloadError, which is logged.
    """
    if package is None:
        return False
    listing = f"{server}/registries"
    try:
        lines = read(listing).splitlines()
    except DownloadError as error:
        _log.warning("can't find out which registries the server has: %s", error)
        return False
    served = {
        found[1].decode("utf-8", "replace").lower()
        for line in lines
        if (found := _SERVED.fullmatch(line))
    }
    return bool(served) and any(
        package in _packages(registry, served)
        for depot in depots
        for registry in _registries(os.path.join(depot, "registries"))
    )


def _registries(folder: str) -> Iterator[str]:
    """The registries of a depot: folders, and files that name a tarball.

    As registry_instance.jl:597 ``reachable_registries``: a file goes before the folder
    of the same name.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    packed = {name.removesuffix(".toml") for name in names if name.endswith(".toml")}
    for name in names:
        path = os.path.join(folder, name)
        unpacked = os.path.isfile(os.path.join(path, _REGISTRY_TOML))
        if name.endswith(".toml") or (unpacked and name not in packed):
            yield path


def _packages(path: str, served: set[str]) -> frozenset[str]:
    """The UUIDs of a registry's packages; none if the server does not serve it."""
    try:
        if os.path.isdir(path):
            text = read_regular(os.path.join(path, _REGISTRY_TOML))
        else:
            stub = julia_toml.loads(read_regular(path))
            if stub["uuid"].lower() not in served:
                return frozenset()  # unpacking it takes half a second
            text = _unpacked(os.path.join(os.path.dirname(path), stub["path"]))
        registry: dict[str, Any] = julia_toml.loads(text)
        known = registry["uuid"].lower() in served
        return frozenset(map(str.lower, registry["packages"] if known else ()))
    except _UNREADABLE as error:
        _log.warning("%s: expected a package registry: %s", path, error)
        return frozenset()


def _unpacked(path: str) -> bytes:
    """The Registry.toml of a registry that is kept as a tarball."""
    with (
        open_regular(path) as file,
        archive_members(iter(lambda: file.read(_CHUNK), b""), DEFAULT_LIMITS) as found,
    ):
        for member in found[1]:
            if member.path == _REGISTRY_TOML.encode():
                return b"".join(member.pieces)
    msg = f"expected a {_REGISTRY_TOML} in {path}, found none"
    raise LookupError(msg)
