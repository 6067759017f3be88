"""Reading from and writing to the binary file objects that users give."""

from __future__ import annotations

import contextlib
import errno
import io
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK_BYTES: Final = 1 << 18


def read_chunks(file: Any) -> Iterator[bytes]:
    """Give the content of a file object, in pieces.

    Raises:
        TypeError: It is open as text.
        BlockingIOError: It has nothing to read at present.
    """
    while True:
        chunk = file.read(_CHUNK_BYTES)
        if chunk is None:
            raise _blocked("nothing to read")
        if isinstance(chunk, str):
            raise _no_binary_file(file)
        if not chunk:
            return
        yield chunk


def write_all(file: Any, chunk: bytes) -> None:
    """Write all of a chunk, also to a raw file, which may take only a part at once.

    Raises:
        BlockingIOError: It has no room at present.
    """
    while chunk:
        written = file.write(chunk)
        if written is None and not isinstance(file, io.RawIOBase):
            return  # it took all, but gives no count
        if not written:
            raise _blocked("no room to write")
        chunk = chunk[written:]


def _blocked(what: str) -> BlockingIOError:
    msg = f"the file object has {what} at present; give one in blocking mode"
    return BlockingIOError(errno.EAGAIN, msg)


def require_binary(file: object, method: str) -> None:
    """Make sure that something is a binary file object with a method.

    Raises:
        TypeError: It is not.
    """
    if not hasattr(file, method) or hasattr(file, "encoding"):
        raise _no_binary_file(file)


def _no_binary_file(found: object) -> TypeError:
    if hasattr(found, "read") or hasattr(found, "write"):
        hint = "open it in binary mode, to read or to write as is asked for"
    else:
        hint = "io.BytesIO makes a file object of bytes"
    return TypeError(
        "expected a path (str or os.PathLike) or a binary file object, found "
        f"{type(found).__name__}; {hint}"
    )


def place_of_file(file: IO[bytes]) -> Path | None:
    """Where a file object's file is, None where it doesn't say."""
    with contextlib.suppress(AttributeError, TypeError, ValueError, OSError):
        path = Path(file.name)
        if os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return path
    return None
