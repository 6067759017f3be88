"""One answer of a server, and which part of the file its body is."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

from fetch_artifacts.network.failures import as_download_error, retryable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    from fetch_artifacts.network.connection import Watch

_CHUNK: Final = 1 << 18
_CONTENT_RANGE: Final = re.compile(r"bytes (?:([0-9]+)-[0-9]+|\*)/([0-9]+|\*)")


class Answer:
    """An answer with status 2xx or 416, whose body is still to be read.

    Args:
        response: The response of requests.
        watch: Ends a wait for the body.
        stall_timeout: Seconds that the body may come more slowly than `slowest`.
        slowest: The lowest acceptable rate, in bytes per second.

    Attributes:
        has_body: False if the requested range is outside the file.
        start: The offset of the body in the file, None if unknown.
        total: The length of the file in bytes, None if unknown.
        validator: The value for ``If-Range``, a strong ETag or else a date; "" if there
            is neither (RFC 9110, 13.1.5).
    """

    def __init__(
        self,
        response: requests.Response,
        watch: Watch,
        stall_timeout: float,
        slowest: float,
    ) -> None:
        self._response = response
        self._watch = watch
        self._stall_timeout = stall_timeout
        self._slowest = slowest
        headers = response.headers
        found = _CONTENT_RANGE.match(headers.get("Content-Range", ""))
        start, total = found.groups() if found else (None, None)
        self.has_body = response.status_code != 416
        if self.has_body and response.status_code != 206:
            start, total = "0", headers.get("Content-Length")
        self.start = _number(start)
        self.total = _number(total)
        tag = headers.get("ETag", "")
        strong = tag and not tag.startswith("W/")
        self.validator: str = tag if strong else headers.get("Last-Modified", "")

    def chunks(self) -> Iterator[bytes]:
        """Give the body as it arrives, without decoding it.

        Raises:
            RetryableError: The body is cut short, or arrives too slowly.
        """
        from urllib3.exceptions import HTTPError

        def read() -> bytes:
            try:
                chunk: bytes = raw.read1(_CHUNK, decode_content=False)
            except HTTPError as error:
                raise as_download_error(url, error) from None
            return chunk

        raw, url = self._response.raw, self._response.url
        yield from paced(url, read, self._watch, self._stall_timeout, self._slowest)

    def close(self) -> None:
        """Release the connection, even if the body was not read."""
        self._response.close()


def paced(
    url: str,
    read: Callable[[], bytes],
    watch: Watch,
    stall_timeout: float,
    slowest: float,
) -> Iterator[bytes]:
    """Give what comes from a server, up to the first read that gives nothing.

    Raises:
        RetryableError: It comes too slowly.
    """
    waited, received = 0.0, 0
    while True:
        began = time.monotonic()
        watch.allow(stall_timeout)
        chunk = read()
        if not chunk:
            return
        # Only the time spent waiting for the server counts, not the reader's.
        waited += time.monotonic() - began
        received += len(chunk)
        if waited >= stall_timeout:
            if received < waited * slowest:
                raise retryable(url, f"slower than {slowest:g} B/s for {waited:.0f} s")
            waited, received = 0.0, 0
        yield chunk


def _number(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch("[0-9]{1,18}", text) else None
