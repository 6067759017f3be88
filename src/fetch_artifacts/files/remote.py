"""Files on file systems of fsspec; their errors without what is secret in addresses."""

from __future__ import annotations

import contextlib
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from fetch_artifacts._version import pip_install
from fetch_artifacts.urls import redacted_text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_CHUNK: Final = 1 << 20
# What a driver asks for at once. By default some ask for 50 MiB, for which a slow line
# takes longer than a server may be silent.
_BLOCK: Final = 4 << 20
_LONGEST: Final = 300  # characters of what a file system says
# The package that reads each scheme, but webhdfs, which fsspec reads itself.
_DRIVERS: Final = {
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "gcs": "gcsfs",
    "gs": "gcsfs",
    "hdfs": "pyarrow",
    "hf": "huggingface_hub",
    "oci": "ocifs",
    "oss": "ossfs",
    "s3": "s3fs",
}
# What Azure's client appends to the server's message.
_DETAILS: Final = re.compile(r"(\n(RequestId|Time):[^\n]*)|(\nContent: .*)", re.DOTALL)
_MESSAGE: Final = re.compile(r"<Message>([^<]*)</Message>")
_REFUSED: Final = frozenset({401, 403})
_NOT_FOUND: Final = 404


@contextlib.contextmanager
def plain_errors(address: str) -> Iterator[None]:
    """Turn any error of a file system into an OSError that quotes no login.

    Raises:
        OSError: Whatever was wrong, in one line, and what to do about it; fsspec or its
            driver may not be installed.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - each file system has its own
        if isinstance(error, FileNotFoundError) or _status(error) == _NOT_FOUND:
            raise FileNotFoundError("there is no such file") from None
        # They may quote the address, and so may the errors that they come from.
        why = _without_secrets(redacted_text(_in_short(error)), address)
        raise OSError("; ".join(filter(None, (why, _remedy(error))))) from None


def _without_secrets(text: str, address: str) -> str:
    """Take the login and the query of an address out of a text, quoted or not."""
    rest, _, query = address.partition("://")[2].partition("?")
    login = rest.partition("/")[0].rpartition("@")[0]
    for secret, shown in ((f"{login}@", ""), (f"?{query}", "?...")):
        if len(secret) > 1:
            for form in (secret, quote(secret), quote(secret, safe="")):
                text = text.replace(form, shown)
    return text


def _in_short(error: Exception) -> str:
    """What a file system says, in one line."""
    # The path of an OSError may hold a query, and callers name the place anyway.
    text = getattr(error, "strerror", None) or str(error)
    if text.lstrip().startswith("<") and (message := _MESSAGE.search(text)):
        text = message[1]
    text = " ".join(_DETAILS.sub("", text).split())
    return text[:_LONGEST] or type(error).__name__


def _remedy(error: Exception) -> str:
    """What to do about an error, "" if nothing is known."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__
    statuses = {_status(each) for each in chain}
    names = " ".join(cls.__name__ for each in chain for cls in type(each).__mro__)
    is_refused = "PermissionError" in names or str(error).startswith("Forbidden")
    if is_refused or statuses & _REFUSED:
        return "check the credentials that its driver finds, and what they may do"
    if max(statuses) >= 500 or "Timeout" in names or "Connection" in names:
        return "try again later"
    return ""


def _status(error: BaseException) -> int:
    """The HTTP status of an error of a client that is known, else 0.

    That is of Azure, Google, AWS or Hugging Face.
    """
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    answer = getattr(error, "response", None)
    status = status or getattr(answer, "status_code", None)
    if isinstance(answer, dict):
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return int(str(status)) if re.fullmatch("[0-9]{3}", str(status)) else 0


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
        msg = f"needs fsspec: {pip_install('fsspec')}"
        raise OSError(msg) from None
    scheme, _, rest = address.partition("://")
    if "::" in rest:
        msg = 'expected one address, found several with "::" between them'
        raise OSError(msg)
    with plain_errors(address):
        try:
            system, path = fsspec.core.url_to_fs(f"{scheme.lower()}://{rest}")
        except (ImportError, ValueError):  # such as "Protocol not known"
            if not (missing := _missing_driver(scheme.lower())):
                raise
            raise OSError(missing) from None
    return system, path


def _missing_driver(scheme: str) -> str:
    """Say which package reads a scheme and how to get it, "" if it is installed."""
    driver = _DRIVERS.get(scheme)
    if driver is None or find_spec(driver) is not None:
        return ""
    command = pip_install("hf") if scheme == "hf" else f"pip install {driver}"
    return f"needs {driver}: {command}"


def remote_chunks(address: str) -> Generator[tuple[bytes, int | None]]:
    """Give the bytes of a file, each chunk with the length of the file if it is known.

    Raises:
        OSError: The file can't be read.
    """
    system, path = file_system(address)
    with plain_errors(address):
        file = system.open(path, "rb", block_size=_BLOCK)
        total = getattr(file, "size", None)
    with contextlib.closing(file):
        while True:
            with plain_errors(address):
                chunk = file.read(_CHUNK)
            if not chunk:
                return
            yield chunk, total
