"""Files on file systems of fsspec; their errors without what is secret in addresses."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.urls import redacted_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK: Final = 1 << 20


@contextlib.contextmanager
def plain_errors(address: str) -> Iterator[None]:
    """Turn any error of a file system into an OSError that quotes no login.

    Raises:
        OSError: Whatever was wrong; fsspec or its driver may not be installed.
    """
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError("there is no such file") from None
    except Exception as error:  # noqa: BLE001 - each file system has its own
        # They may quote the address, and so may the errors that they come from.
        login = address.partition("://")[2].partition("/")[0].rpartition("@")[0]
        # The path of an OSError may hold a query, and callers name the place anyway.
        why = redacted_text(getattr(error, "strerror", None) or str(error))
        why = why.replace(f"{login}@", "") if login else why
        raise OSError(why or type(error).__name__) from None


def file_system(address: str) -> tuple[Any, str]:
    """Give the file system of an address, and the path in it.

    Args:
        address: Such as ``s3://bucket/prefix``. The file system finds its own
            credentials.

    Raises:
        OSError: fsspec or its driver for this address is not installed.
    """
    try:
        import fsspec
    except ImportError:
        raise OSError("install fetch-artifacts[fsspec] first") from None
    with plain_errors(address):
        system, path = fsspec.core.url_to_fs(address)
    return system, path


def remote_chunks(address: str) -> Iterator[tuple[bytes, int | None]]:
    """Give the bytes of a file, each chunk with the length of the file if it is known.

    Raises:
        OSError: The file can't be read.
    """
    system, path = file_system(address)
    with plain_errors(address):
        file = system.open(path, "rb")
        total = getattr(file, "size", None)
    with contextlib.closing(file):
        while True:
            with plain_errors(address):
                chunk = file.read(_CHUNK)
            if not chunk:
                return
            yield chunk, total
