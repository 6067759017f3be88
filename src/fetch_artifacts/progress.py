"""Progress of installations, as events, bars and lines."""

from __future__ import annotations

import contextlib
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tqdm import tqdm

T = TypeVar("T")

Stage: TypeAlias = Literal["waiting", "downloading", "verifying", "installed", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressEvent:
    """A step in the installation of an artifact.

    Attributes:
        name: The artifact's name; all names, as in ``One, Two``, if a file binds
            several to one tree.
        stage: The current stage. Archives are unpacked while they are downloaded, so
            unpacking is no stage of its own.
        done: The bytes received.
        total: The bytes of the archive, None if unknown.
        note: A message for the user, such as who holds the lock; or "".
    """

    name: str
    stage: Stage
    done: int = 0
    total: int | None = None
    note: str = ""


Progress: TypeAlias = "Callable[[ProgressEvent], None]"
"""Takes events; called from several threads at once."""


def progress_line(event: ProgressEvent) -> None:
    """Write a line to standard error for an installed artifact or a note."""
    if event.stage == "installed":
        sys.stderr.write(
            f"fetch-artifacts: {event.name}: installed ({event.done / 1e6:.1f} MB)\n"
        )
    elif event.note:
        sys.stderr.write(f"fetch-artifacts: {event.name}: {event.note}\n")


class ProgressBars:
    """A tqdm bar for each artifact, with bytes, rate and stage."""

    def __init__(self) -> None:
        self._bars: dict[str, tqdm[Any]] = {}
        self._lock = threading.Lock()

    def __call__(self, event: ProgressEvent) -> None:
        """Update the artifact's bar."""
        with self._lock:
            bar = self._bars.get(event.name)
            if bar is None:  # by identity, because a bar without a total is false
                bar = self._new_bar(event)
            bar.total = event.total
            bar.update(event.done - bar.n)
            note = event.note
            if event.stage == "waiting" and note:  # above the bars, as it is long
                bar.write(f"fetch-artifacts: {event.name}: {note}", file=sys.stderr)
                note = ""
            bar.set_postfix_str(note or event.stage, refresh=False)
            if event.stage in {"installed", "failed"}:
                self._bars.pop(event.name).close()

    def close(self) -> None:
        """Close the bars of unfinished artifacts."""
        with self._lock:
            for bar in self._bars.values():
                bar.close()
            self._bars.clear()

    def _new_bar(self, event: ProgressEvent) -> tqdm[Any]:
        from tqdm.auto import tqdm

        bar: tqdm[Any] = tqdm(
            desc=event.name,
            total=event.total,
            unit="B",
            unit_scale=True,
            unit_divisor=1000,
            file=sys.stderr,
            dynamic_ncols=True,
        )
        self._bars[event.name] = bar
        return bar


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    get = getattr(shell, "get_ipython", None)
    return type(get()).__name__ == "ZMQInteractiveShell" if get else False


@contextlib.contextmanager
def show_progress(*, verbose: bool = False) -> Iterator[Progress | None]:
    """Show progress within a ``with`` block: as bars, as lines, or not at all.

    Bars on a terminal and in a notebook. Elsewhere, as in CI or in a pipe, a line for
    each artifact if ``verbose``.
    """
    if _in_notebook() or sys.stderr.isatty():
        bars = ProgressBars()
        try:
            yield bars
        finally:
            bars.close()
    else:
        yield progress_line if verbose else None


def counted(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Yield items, and count them in a bar on a terminal or in a notebook.

    Args:
        items: The items.
        total: How many there are.
        what: What is done with each.
    """
    if not (_in_notebook() or sys.stderr.isatty()):
        yield from items
        return
    from tqdm.auto import tqdm

    yield from tqdm(items, total=total, desc=what, leave=False, dynamic_ncols=True)
