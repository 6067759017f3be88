"""Connections on which every wait has an end.

http.client has a timeout for each read only, so headers at a byte a second, or endless
``100 Continue`` answers or trailers, keep it waiting for ever, and a thread that waits
in it can't be told to stop. Here each request has a `Watch`, which is checked several
times a second while the request waits for its server.
"""

from __future__ import annotations

import contextlib
import contextvars
import http.client
import io
import time
from concurrent.futures import CancelledError, Future, wait
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from requests.adapters import HTTPAdapter

from fetch_artifacts.parallel.threads import settle, start_thread

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Callable, Iterator

    from urllib3 import PoolManager
    from urllib3.connectionpool import HTTPConnectionPool

T = TypeVar("T")

GLANCE: Final = 0.2  # seconds between two checks of a watch
_INTERIM_ANSWERS: Final = 100  # before the final one (RFC 9110, 15.2)


class Watch:
    """How long one request may wait.

    Args:
        stopped: Ends each wait once it is set.
        silence: Seconds that may pass without a byte.
        seconds: Until the whole head of the answer must be there.
    """

    def __init__(
        self, stopped: threading.Event, *, silence: float, seconds: float
    ) -> None:
        self._stopped = stopped
        self._silence = silence
        self._head_seconds = seconds
        self._deadline = float("inf")

    def begin_head(self) -> None:
        """The request is sent: from now on its answer's head may take so long."""
        self.allow(self._head_seconds)

    def allow(self, seconds: float) -> None:
        """From now on, what comes next may take so many seconds."""
        self._deadline = time.monotonic() + seconds

    def check(self, *, until: float) -> None:
        """Check that there is time left.

        Args:
            until: When this wait must end; see `silent_until`.

        Raises:
            TimeoutError: There is none.
            CancelledError: The download is given up.
        """
        if self._stopped.is_set():
            raise CancelledError
        if time.monotonic() > min(self._deadline, until):
            raise TimeoutError

    def silent_until(self) -> float:
        """Give the end of a wait for a byte that begins now."""
        return time.monotonic() + self._silence

    def wait_for(
        self, work: Callable[[], T], undo: Callable[[], object], seconds: float
    ) -> T:
        """Do something that can't be interrupted, in a thread that may be abandoned.

        Gives its result, or raises its error.

        Args:
            work: What to do.
            undo: Called where the work was abandoned and is done after all.
            seconds: How long it may take.

        Raises:
            TimeoutError: It takes longer.
            CancelledError: The download is given up.
        """
        outcome: Future[T] = Future()
        until = time.monotonic() + seconds
        start_thread(lambda: settle(outcome, work), name="watched")
        try:
            while not wait([outcome], timeout=GLANCE).done:
                self.check(until=until)
        except BaseException:
            outcome.add_done_callback(lambda _: undo())
            raise
        return outcome.result()


_WATCH: Final[contextvars.ContextVar[Watch]] = contextvars.ContextVar("watch")


@contextlib.contextmanager
def watched_by(watch: Watch) -> Iterator[None]:
    """Let a watch count for the request that is made within a ``with`` block."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)


class WatchedAdapter(HTTPAdapter):
    """The adapter of requests, for requests made within `watched_by`."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        _watch_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make the pools of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        _watch_pools(manager)
        return manager


def _watch_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {
        scheme: _watched(pool)
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }


@cache
def _watched(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    """The pool, of connections that heed their watch."""
    connection: Any = pool.ConnectionCls
    if issubclass(connection, _Watched):
        return pool
    watched = type(connection.__name__, (_Watched, connection), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": watched})


class _Reader(io.RawIOBase):
    """What comes through a socket, as long as the watch allows."""

    def __init__(self, connection: socket.socket, watch: Watch) -> None:
        self._connection = connection
        self._watch = watch
        # An open file keeps the socket, which http.client closes after the head.
        self._file = connection.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        until = self._watch.silent_until()
        if self._connection.gettimeout() != GLANCE:  # setting it is a system call
            self._connection.settimeout(GLANCE)
        while True:
            # Before each read, too: a server may send bytes without end.
            self._watch.check(until=until)
            with contextlib.suppress(TimeoutError):
                return self._connection.recv_into(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer that is read under the watch; interim answers are passed over."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        watch = _WATCH.get()
        watch.begin_head()
        reader = _Reader(sock, watch)
        self.fp.close()
        self.fp = io.BufferedReader(reader)

    def _read_status(self) -> tuple[str, int, str]:
        # http.client skips 100 only, and any number of them.
        for _ in range(_INTERIM_ANSWERS):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200:
                return version, status, reason
            http.client.parse_headers(self.fp)
        msg = f"more than {_INTERIM_ANSWERS} interim answers"
        raise http.client.HTTPException(msg)


class _Watched(http.client.HTTPConnection):
    """Mixed into urllib3's connections."""

    response_class = _Response

    def connect(self) -> None:
        # Looking up the name, trying each address and the handshake can't be stopped
        # before their own timeouts.
        seconds = self.timeout if isinstance(self.timeout, int | float) else 60.0
        _WATCH.get().wait_for(super().connect, self.close, seconds)
        # A certificate that had to be verified is verified by now. For others, the
        # session warns once; urllib3 would warn at each request.
        self.is_verified = True
