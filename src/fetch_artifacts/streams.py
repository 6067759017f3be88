"""Working ahead in a thread, so that two stages of a pipeline run at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

T = TypeVar("T")


class _End:
    """What follows the last item: the error that ended the source, if one did."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def prefetched(items: Iterable[T], *, depth: int = 4) -> Generator[T, None, None]:
    """Give the items of a source, which a thread reads up to `depth` items ahead.

    An error of the source is raised here, after the items before it. When the
    iteration is given up early, the thread stops at the item it is working on, and
    has ended, with the source closed, when ``close`` returns.
    """
    import queue
    import threading

    ready: queue.SimpleQueue[T | _End] = queue.SimpleQueue()
    room = threading.Semaphore(depth)
    given_up = False

    def read_ahead() -> None:
        error = None
        try:
            for item in items:
                ready.put(item)
                room.acquire()
                if given_up:
                    break
        except BaseException as caught:  # noqa: BLE001 - it is raised by the reader
            error = caught
        finally:
            close = getattr(items, "close", None)
            if close:
                close()
            ready.put(_End(error))

    thread = threading.Thread(target=read_ahead, name="prefetched", daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, _End):
                if item.error:
                    raise item.error
                return
            room.release()
            yield item
    finally:
        given_up = True
        room.release()
        thread.join()
