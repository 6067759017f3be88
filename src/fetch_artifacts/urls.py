"""URLs: their parts, whether secrets may be sent to them, and what may be logged."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit

from fetch_artifacts.errors import DownloadError

# Pkg.jl PlatformEngines.jl:43 `is_secure_url`.
_SECURE: Final = re.compile(
    r"(https://|\w+://(127\.0\.0\.1|localhost)(:\d+)?(\Z|/))", re.IGNORECASE | re.ASCII
)
_PORTS: Final = {"http": 80, "https": 443}
_THIS_MACHINE: Final = frozenset({"", "localhost"})


def split_url(url: str) -> SplitResult:
    """Split a URL.

    Raises:
        DownloadError: The URL is invalid.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port  # read here, because reading it may fail
    except ValueError:
        msg = f"expected a URL, found {redacted(url)}"
        raise DownloadError(msg, url=redacted(url)) from None
    return parts


def expected_instead(url: str) -> str:
    """Say what was expected in place of an unusable URL, "" for a usable one."""
    try:
        parts = split_url(url)
    except DownloadError:
        return "a URL such as https://host/file.tar.gz"
    if parts.scheme == "file":
        is_here = parts.netloc.lower() in _THIS_MACHINE and parts.path.strip("/")
        return "" if is_here else "a file here, as file:///folder/file"
    if parts.scheme not in _PORTS:
        return "a URL of http, https or file"
    return "" if parts.hostname else "a URL with a host"


def is_secure(url: str) -> bool:
    """Whether a secret may be sent there: https, or this machine by any scheme."""
    return _SECURE.match(url) is not None


def origin(url: str) -> tuple[str, str, int | None]:
    """Give the scheme, the host and the port, to which headers are bound.

    Raises:
        DownloadError: The URL is invalid.
    """
    parts = split_url(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def without_user(url: str) -> str:
    """Give the URL without ``user:password@`` and fragment.

    Raises:
        DownloadError: The URL is invalid.
    """
    parts = split_url(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()


def file_name(url: str) -> str:
    """Give the last part of the URL's path, which may be "" for a bare host."""
    return url.partition("?")[0].rstrip("/").rpartition("/")[2]


def join_url(folder: str, name: str) -> str:
    """Give the URL of a file in the folder that a URL stands for."""
    return f"{folder.rstrip('/')}/{quote(name)}"


def redacted(url: str) -> str:
    """Give the URL for messages and logs: without user, password and query.

    Signed links have secrets in the query, under many names.
    """
    address, query, _ = url.partition("#")[0].partition("?")
    scheme, separator, rest = address.rpartition("://")
    host, slash, path = rest.partition("/")
    address = scheme + separator + host.rpartition("@")[2] + slash + path
    return f"{address}?..." if query else address


def local_path(url: str) -> Path:
    """Give the path of a ``file:`` URL.

    Raises:
        DownloadError: The file is on another host.
    """
    parts = split_url(url)
    if parts.netloc.lower() not in _THIS_MACHINE:
        msg = (
            f"{url}: expected a file on this machine, found the host "
            f"{parts.netloc}; write file:///folder/file"
        )
        raise DownloadError(msg, url=url)
    # As in curl, "?" and "#" in a name must be written %3F and %23.
    path = os.fsdecode(unquote_to_bytes(parts.path))
    if sys.platform == "win32" and re.match(r"/[A-Za-z]:", path):
        path = path[1:]
    return Path(path)
