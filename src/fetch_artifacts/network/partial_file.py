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

    from fetch_artifacts.digests import Sha256
    from fetch_artifacts.files.folder import Folder

_log = logging.getLogger(__name__)

_APPEND: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NONBLOCK", 0)
_SUFFIX: Final = ".partial"
_CHUNK: Final = 1 << 18
_KEPT_FOR: Final = 7 * 24 * 60 * 60.0  # seconds
# A link is fast if 8 MiB come in the first quarter of a second, in all downloads at
# once, which hold no more until that is known. Writing every download twice took 20 to
# 60 ms of the 500 ms that installing 82 MB takes.
_HEAD_BYTES: Final = 1 << 23
_HEAD_SECONDS: Final = 0.25


def remove_old_partials(folder: Folder) -> None:
    """Remove the partial files that are older than a week."""
    oldest = time.time() - _KEPT_FOR
    with contextlib.suppress(OSError):
        for name in folder.names():
            if name.endswith(_SUFFIX) and folder.status(name).st_mtime < oldest:
                folder.unlink(name)


class Traffic:
    """What has come from a host, in all downloads at once.

    Attributes:
        size: So many bytes; threads that count at the same moment may lose some.
    """

    def __init__(self) -> None:
        self.size = 0


class PartialFile:
    """A partial file, to read what it holds and then to append.

    Errors of writing never fail a download. What is in the way and is no such file is
    left alone; then there is no partial file.

    Args:
        folder: Where it is, which nobody else writes to; None to write none.
        sha256: The hash of the whole archive.
        traffic: Where bytes are counted; None: no other download is running.

    Attributes:
        size: The bytes that an earlier download left.
    """

    def __init__(
        self,
        folder: Folder | None,
        sha256: Sha256 | None = None,
        traffic: Traffic | None = None,
    ) -> None:
        self._folder = folder
        self._name = f"{sha256}{_SUFFIX}"
        self._file = -1  # the descriptor, once it is open for writing
        self._is_kept = folder is not None
        self._written = self.size = self._existing()
        self._held: list[bytes] = []
        self._traffic = traffic or Traffic()
        self._before = 0  # the traffic before the first byte
        self._since: float | None = None

    def chunks(self) -> Iterator[bytes]:
        """Give the bytes that an earlier download left.

        Raises:
            OSError: They can't be read.
        """
        left = self.size
        if self._folder is None or not left:
            return
        handle = self._folder.open_regular(self._name)
        with os.fdopen(handle, "rb", buffering=0) as file:
            while left and (chunk := file.read(min(left, _CHUNK))):
                left -= len(chunk)
                yield chunk

    def append(self, chunk: bytes) -> None:
        """Append the next bytes of the archive."""
        if self._since is None:
            self._since, self._before = time.monotonic(), self._traffic.size
        self._traffic.size += len(chunk)
        if not self._is_kept:
            return
        self._held.append(chunk)
        try:
            if self._is_link_fast():
                self._held.clear()
                self._is_kept = False
            elif self._written or not self._is_new():
                self._write_held()
        except OSError as error:
            _log.debug("%s: keeping no partial file: %s", self._name, error)
            self.discard()
            self._is_kept = False

    def discard(self) -> None:
        """Remove the file; the next bytes begin a new one."""
        self.close()
        self._written = self.size = 0
        self._held.clear()
        self._since = None
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._folder.unlink(self._name)

    def close(self) -> None:
        """Close the file and keep it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _is_link_fast(self) -> bool:
        come = self._traffic.size - self._before
        return come > _HEAD_BYTES and not self.size and self._is_new()

    def _is_new(self) -> bool:
        return self._since is None or time.monotonic() - self._since < _HEAD_SECONDS

    def _write_held(self) -> None:
        if self._file < 0 and self._folder is not None:
            self._file = self._folder.open(self._name, _APPEND)
        if os.fstat(self._file).st_size != self._written:
            # Another process, which did not see our lock, writes to it too.
            self.close()
            self._held.clear()
            self._is_kept = False
            return
        data = b"".join(self._held)
        self._held.clear()
        while data:
            count = os.write(self._file, data)
            self._written += count
            data = data[count:]

    def _existing(self) -> int:
        """The length of the file in bytes; 0, with a warning, for anything else."""
        if self._folder is None:
            return 0
        try:
            handle = self._folder.open_regular(self._name)
        except FileNotFoundError:
            return 0
        except OSError as error:
            self._is_kept = False
            _log.warning(
                "keeping no partial file: %s: %s", error.filename, error.strerror
            )
            return 0
        try:
            return os.fstat(handle).st_size
        finally:
            os.close(handle)
