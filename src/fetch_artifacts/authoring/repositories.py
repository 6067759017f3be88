"""Addresses of data repositories that stand for a file: DOIs, and links of figshare.

The APIs are documented at developers.zenodo.org and docs.figshare.com.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from fetch_artifacts.errors import DownloadError
from fetch_artifacts.urls import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ZENODO: Final = "https://zenodo.org"
FIGSHARE: Final = "https://api.figshare.com/v2"
FIGSHARE_FILES: Final = "https://ndownloader.figshare.com/files"

_DOI: Final = re.compile(r"(?:doi:|https?://(?:dx\.)?doi\.org/)(10\..+)", re.IGNORECASE)
_IN_ZENODO: Final = re.compile(r"10\.5281/zenodo\.(\d+)(?:/(.+))?", re.IGNORECASE)
_IN_FIGSHARE: Final = re.compile(
    r"10\.6084/m9\.figshare\.(\d+)(?:\.v(\d+))?(?:/(.+))?", re.IGNORECASE
)
_FIGSHARE_LINK: Final = re.compile(
    r"https?://(?:[\w-]+\.)?figshare\.com/(?:articles/.*[?&]file=|ndownloader/files/)"
    r"(\d+)"
)
_KNOWN: Final = (
    "doi:10.5281/zenodo.NUMBER/FILE or doi:10.6084/m9.figshare.NUMBER.vVERSION/FILE"
)


def file_url(address: str, read: Callable[[str, Mapping[str, str]], bytes]) -> str:
    """Give the URL of the file that an address stands for; any other URL as it is.

    A DOI of all versions gives the file of the current version, which never changes.

    Args:
        address: ``doi:10.5281/zenodo.1/a.tar.gz``, the same as a link to doi.org, or a
            link of figshare to a file. Without a file, the record must have one only.
        read: Downloads a URL with the headers given.

    Raises:
        DownloadError: The repository can't be asked, is not known here, or has no such
            file.
    """
    link = _FIGSHARE_LINK.match(address)
    if link:
        return f"{FIGSHARE_FILES}/{link[1]}"
    doi = _DOI.fullmatch(address)
    if doi is None:
        return address
    if match := _IN_ZENODO.fullmatch(doi[1]):
        record = _asked(f"{ZENODO}/api/records/{match[1]}", read)
        files = {str(file.get("key")): file for file in _files(record, address)}
        name = _chosen(address, match[2], files)
        number = record.get("id", match[1])
        return f"{ZENODO}/records/{number}/files/{quote(name)}?download=1"
    if match := _IN_FIGSHARE.fullmatch(doi[1]):
        version = f"/versions/{match[2]}" if match[2] else ""
        article = _asked(f"{FIGSHARE}/articles/{match[1]}{version}", read)
        files = {str(file.get("name")): file for file in _files(article, address)}
        name = _chosen(address, match[3], files)
        return str(files[name].get("download_url"))
    raise _failed(address, f"expected {_KNOWN}; give the URL of the file itself")


def _asked(url: str, read: Callable[[str, Mapping[str, str]], bytes]) -> dict[str, Any]:
    try:
        answer = json.loads(read(url, {"Accept": "application/json"}))
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise _failed(url, "expected a JSON object, found other text")
    return answer


def _files(record: Mapping[str, Any], address: str) -> list[dict[str, Any]]:
    files = record.get("files")
    if not isinstance(files, list) or not all(isinstance(each, dict) for each in files):
        raise _failed(address, "expected a list of files in the repository's answer")
    return files


def _chosen(address: str, name: str | None, files: Mapping[str, object]) -> str:
    """The name of the file that is meant."""
    names = ", ".join(files) or "none"
    if name is None and len(files) == 1:
        return next(iter(files))
    if name is None:
        raise _failed(address, f"expected a file name after it, one of {names}")
    if unquote(name) not in files:
        raise _failed(address, f"expected a file of that name, found {names}")
    return unquote(name)


def _failed(address: str, why: str) -> DownloadError:
    shown = redacted(address)
    return DownloadError(f"{shown}: {why}", url=shown)
