"""URLs: their parts, whether secrets may be sent to them, and what may be logged."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, quote, unquote_to_bytes, urljoin, urlsplit

from fetch_artifacts.errors import DownloadError

# Pkg.jl PlatformEngines.jl:43 `is_secure_url`.
_SECURE: Final = re.compile(
    r"(https://|\w+://(127\.0\.0\.1|localhost)(:\d+)?(\Z|/))", re.IGNORECASE | re.ASCII
)
_PORTS: Final = {"http": 80, "https": 443, "ftp": 21}
SCHEMES: Final = "http, https, ftp or file"
FSSPEC_SCHEMES: Final = frozenset(
    {"abfs", "abfss", "az", "gcs", "gs", "hdfs", "hf", "oci", "oss", "s3", "webhdfs"}
)
"""What Python can download from with fsspec, and Julia can't."""
_CONTROL: Final = re.compile(r"[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_HOST: Final = re.compile(rb"[\w-]{1,63}(\.[\w-]{1,63})*\.?", re.ASCII)
_ASCII: Final = "".join(map(chr, range(0x21, 0x7F)))
_BESIDE: Final = re.compile(r"file:(?!/)(?=.)", re.IGNORECASE)
_LOGIN: Final = re.compile(r"(?<=://)[^/?#]*@")
# The lookbehind keeps the search linear: it tries no start inside a run of letters.
_IN_TEXT: Final = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z0-9+.-]+://[^\s\"'<>]+")
_THIS_MACHINE: Final = frozenset({"", "localhost"})


def split_url(url: str) -> SplitResult:
    """Take a URL apart.

    Raises:
        DownloadError: It is not one, or its host can't be the name of one.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port  # read here, because reading it may fail
        host = parts.hostname or ""
        # Python 3.10 takes any text in brackets; it must be an address of IPv6.
        brackets_fit = ("[" in parts.netloc) == (":" in host)
        if brackets_fit and not _CONTROL.search(url) and _may_be_host(host):
            return parts
    except ValueError:
        pass
    shown = redacted(url)
    msg = f"expected a URL, found {shown!r}"
    raise DownloadError(msg, url=shown)


def _may_be_host(host: str) -> bool:
    """Whether each part of a name has 1 to 63 letters (RFC 1035, 2.3.4).

    Raises:
        ValueError: The name can't be written in ASCII.
    """
    if not host or ":" in host:
        return True
    return _HOST.fullmatch(host.encode("idna")) is not None


def expected_instead(url: str) -> str:
    """Say what was expected in place of an unusable URL, "" for a usable one."""
    try:
        parts = split_url(url)
    except DownloadError:
        return "a URL such as https://host/file.tar.gz"
    if parts.scheme == "file":
        is_here = parts.netloc.lower() in _THIS_MACHINE and parts.path.strip("/")
        return "" if is_here else "a file here, as file:///folder/file"
    if parts.scheme in FSSPEC_SCHEMES:
        return "" if parts.netloc else "a URL with a bucket"
    if parts.scheme not in _PORTS:
        return f"a URL of {SCHEMES}"
    return "" if parts.hostname else "a URL with a host"


def redirected(url: str, location: str) -> str:
    """Give the URL that a ``Location`` header leads to.

    Args:
        url: The URL whose answer has the header.
        location: The header, each byte as one character.

    Raises:
        DownloadError: It leads to something that is not a URL.
    """
    try:
        location = location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        location = quote(location, safe=_ASCII, encoding="latin-1", errors="replace")
    try:
        target = urljoin(url, location)
        split_url(target)
    except (ValueError, DownloadError):
        shown = redacted(url)
        msg = (
            f"{shown}: redirected to something that is not a URL: {redacted(location)}"
        )
        raise DownloadError(msg, url=shown) from None
    return target


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


def has_login(url: str) -> bool:
    """Whether a user, and perhaps a password, stands before the host."""
    return _LOGIN.search(url) is not None


def file_name(url: str) -> str:
    """Give the last part of the URL's path, which may be "" for a bare host."""
    return redacted(url).removesuffix("?...").rstrip("/").rpartition("/")[2]


def join_url(folder: str, name: str) -> str:
    """Give the URL of a file in the folder that a URL stands for."""
    return f"{folder.rstrip('/')}/{quote(name)}"


def redacted(url: str) -> str:
    """Give the URL for messages and logs: without user, password and query.

    Signed links have secrets in the query, under many names.
    """
    address, query, _ = url.partition("#")[0].partition("?")
    try:
        is_url = "://" in address and urlsplit(address).port != 0
    except ValueError:
        is_url = False
    if is_url:
        address = _LOGIN.sub("", address)
    elif "@" in url:  # not a URL, so the password may hold any character
        scheme = address[: address.find("://") + 3] if "://" in address else ""
        rest = scheme + url.rpartition("@")[2]
        address, query, _ = rest.partition("#")[0].partition("?")
    return f"{address}?..." if query else address


def redacted_text(text: str) -> str:
    """Give a text with each URL in it as `redacted` gives it."""
    return _IN_TEXT.sub(lambda match: redacted(match[0]), text)


def is_beside(url: str) -> bool:
    """Whether a URL is that of a file beside an Artifacts.toml: ``file:a.tar.gz``."""
    return _BESIDE.match(url) is not None


def beside(toml: Path, url: str) -> str:
    """Give the whole URL of a file that is beside an Artifacts.toml; others as given.

    Args:
        toml: The Artifacts.toml.
        url: The URL; the part after ``file:`` is quoted as in any URL.
    """
    if not is_beside(url):
        return url
    return f"{toml.absolute().parent.as_uri()}/{url.partition(':')[2]}"


def local_path(url: str) -> Path:
    """The file that a ``file:`` URL means.

    Raises:
        DownloadError: It is on another host, or can't be the name of a file.
    """
    parts = split_url(url)
    shown = redacted(url)
    if is_beside(url):
        msg = f"{shown}: expected the whole path of a file, as file:///folder/file"
        raise DownloadError(msg, url=shown)
    if parts.netloc.lower() not in _THIS_MACHINE:
        host = parts.netloc.rpartition("@")[2]
        msg = (
            f"{shown}: expected a file on this machine, found the host {host}; write "
            "file:///folder/file"
        )
        raise DownloadError(msg, url=shown)
    # As for curl, a "?" or a "#" in a name must be written %3F or %23.
    path = os.fsdecode(unquote_to_bytes(parts.path))
    if "\0" in path:
        msg = f"{shown}: expected the path of a file, found a zero byte in it"
        raise DownloadError(msg, url=shown)
    if sys.platform == "win32" and re.match(r"/[A-Za-z]:", path):
        path = path[1:]
    return Path(path)
