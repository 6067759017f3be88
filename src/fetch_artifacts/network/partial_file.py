"""Partial files: what an interrupted download leaves for the next one.

A partial file is named after the sha256 of the whole archive, so any mirror can
complete it, and the hash reveals damage. It is written on slow links only: on a fast
one, a new download costs less than writing every archive twice.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fetch_artifacts.digests import Sha256

_log = logging.getLogger(__name__)

_SUFFIX: Final = ".partial"
_CHUNK: Final = 1 << 18
_KEPT_FOR: Final = 7 * 24 * 60 * 60.0  # seconds
# A link is fast if 8 MiB come in the first quarter of a second. Writing every download
# twice took 20 to 60 ms of the 500 ms that installing 82 MB takes.
_HEAD_BYTES: Final = 1 << 23
_HEAD_SECONDS: Final = 0.25


def partial_path(folder: Path, sha256: Sha256) -> Path:
    """Give the path of an archive's partial file."""
    return folder / f"{sha256}{_SUFFIX}"


def remove_old_partials(folder: Path) -> None:
    """Remove the partial files that are older than a week."""
    oldest = time.time() - _KEPT_FOR
    for path in folder.glob(f"*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < oldest:
                path.unlink()


class PartialFile:
    """A partial file, to read what it holds and then to append.

    Errors of writing never fail a download.

    Args:
        path: The file, which need not exist; None to write none.

    Attributes:
        size: The bytes that an earlier download left.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file = -1  # the descriptor, once it is open for writing
        self._written = self.size = _size(path)
        self._is_kept = path is not None
        self._head = bytearray()
        self._head_since: float | None = None

    def chunks(self) -> Iterator[bytes]:
        """Give the bytes that an earlier download left.

        Raises:
            OSError: They can't be read.
        """
        left = self.size
        if self._path is None or not left:
            return
        with self._path.open("rb", buffering=0) as file:
            while left and (chunk := file.read(min(left, _CHUNK))):
                left -= len(chunk)
                yield chunk

    def append(self, chunk: bytes) -> None:
        """Append the next bytes of the archive."""
        if not self._is_kept:
            return
        if not self._written and not self._outlasts_head(chunk):
            return
        try:
            self._write(bytes(self._head) + chunk if self._head else chunk)
        except OSError as error:
            _log.debug("%s: keeping no partial file: %s", self._path, error)
            self.discard()
            self._is_kept = False
        self._head.clear()

    def discard(self) -> None:
        """Remove the file; the next bytes begin a new one."""
        self.close()
        self._written = self.size = 0
        self._head.clear()
        self._head_since = None
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
                self._path.parent.rmdir()  # unless there are others

    def close(self) -> None:
        """Close the file and keep it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _outlasts_head(self, chunk: bytes) -> bool:
        """Whether the link is slow; until that is known, bytes stay in memory."""
        now = time.monotonic()
        self._head_since = self._head_since or now
        if now - self._head_since >= _HEAD_SECONDS:
            return True
        self._head += chunk
        if len(self._head) > _HEAD_BYTES:
            self._is_kept = False
            self._head.clear()
        return False

    def _write(self, data: bytes) -> None:
        if self._file < 0 and self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._file = os.open(self._path, flags, 0o666)
        if os.fstat(self._file).st_size != self._written:
            # Another process, which did not see our lock, writes it too.
            self.close()
            self._is_kept = False
            return
        while data:
            count = os.write(self._file, data)
            self._written += count
            data = data[count:]


def _size(path: Path | None) -> int:
    try:
        usable = path is not None and os.access(path, os.R_OK | os.W_OK)
        return path.stat().st_size if path and usable else 0
    except OSError:
        return 0
