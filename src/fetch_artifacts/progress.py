"""What happens while artifacts are installed, told to whoever wants to show it."""

from __future__ import annotations

import contextlib
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tqdm import tqdm

Stage: TypeAlias = Literal["waiting", "downloading", "verifying", "installed", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressEvent:
    """One step of one artifact's installation.

    Attributes:
        name: The artifact's name; all names, as in ``One, Two``, where a file binds
            several to one tree and installs them together.
        stage: What is being done. Unpacking goes on while bytes arrive, so it has no
            stage of its own.
        done: Bytes of the archive that have arrived.
        total: Bytes of the archive, None where nobody said.
        note: A sentence for the user, such as who holds the lock; or "".
    """

    name: str
    stage: Stage
    done: int = 0
    total: int | None = None
    note: str = ""


Progress: TypeAlias = "Callable[[ProgressEvent], None]"
"""Anything that takes events, from several threads at once."""


def progress_line(event: ProgressEvent) -> None:
    """Write a line to standard error for what is worth one."""
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
        """Move the artifact's bar."""
        with self._lock:
            bar = self._bars.get(event.name)
            if bar is None:  # not a question of truth: a bar without a total has none
                bar = self._new_bar(event)
            bar.total = event.total
            bar.update(event.done - bar.n)
            bar.set_postfix_str(event.note or event.stage, refresh=False)
            if event.stage in {"installed", "failed"}:
                self._bars.pop(event.name).close()

    def close(self) -> None:
        """Close the bars of artifacts that never came to an end."""
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

    Bars on a terminal and in a notebook. Elsewhere, as in CI or a pipe, a line for
    each artifact where ``verbose`` asks for it.
    """
    if _in_notebook() or sys.stderr.isatty():
        bars = ProgressBars()
        try:
            yield bars
        finally:
            bars.close()
    else:
        yield progress_line if verbose else None
