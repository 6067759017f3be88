"""Progress of installations, as events, bars and lines."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

from fetch_artifacts.settings.terminal import is_dumb, wants_progress
from fetch_artifacts.terminal.columns import columns_of, padded, shortened
from fetch_artifacts.terminal.escaping import printable
from fetch_artifacts.terminal.units import show_bytes, show_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tqdm import tqdm

T = TypeVar("T")

Stage: TypeAlias = Literal[
    "waiting", "downloading", "retrying", "verifying", "installed", "added", "failed"
]
_DONE: Final = ("installed", "added")

_STAGE_WIDTH: Final = len("downloading")
_NAME_WIDTH: Final = 16
_WIDER_NAME: Final = 28  # where there are 100 columns
_WIDE: Final = 50  # columns from which on there is room for a bar

_hidden: Final[list[bool]] = []  # of without_progress


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressEvent:
    """A step in the installation of an artifact.

    Attributes:
        name: The artifact's name; all names, as in ``One, Two``, if a file binds
            several to one tree.
        stage: The current stage. Archives are unpacked while they are downloaded, so
            unpacking is not a stage of its own. The last one is "installed", "added"
            (to a mirror or a bundle) or "failed".
        done: The bytes received. The first event of a download that is resumed has the
            bytes that an earlier one left.
        total: The bytes of the archive, None if unknown.
        note: More about the stage, such as "for process 12 on node3" while waiting, or
            "in 8 s: HTTP status 503" before a retry; or "".
    """

    name: str
    stage: Stage
    done: int = 0
    total: int | None = None
    note: str = ""


Progress: TypeAlias = "Callable[[ProgressEvent], None]"
"""Takes events; called from several threads at once."""


def report_on(
    progress: Progress | None,
    name: str,
    stage: Stage,
    done: int = 0,
    total: int | None = None,
    note: str = "",
) -> None:
    """Report on an artifact, as a `ProgressEvent` has it, where anybody listens."""
    if progress is not None:
        progress(
            ProgressEvent(name=name, stage=stage, done=done, total=total, note=note)
        )


def report_bytes(
    progress: Progress | None, name: str, done: int, total: int | None, note: str
) -> None:
    """Report how far a download is; with a note, why it starts again."""
    stage: Stage = "retrying" if note else "downloading"
    report_on(progress, name, stage, done, total, note)


class ProgressLines:
    """Writes a line to standard error for what is done, waited for or retried."""

    def __init__(self) -> None:
        self._before: dict[str, Stage] = {}

    def __call__(self, event: ProgressEvent) -> None:
        """Write the event, if it is worth a line."""
        before = self._before.get(event.name)
        self._before[event.name] = event.stage
        if event.stage in _DONE:
            _write_line(f"{event.name}: {event.stage} ({show_bytes(event.done)})")
        elif event.note and not (event.stage == before == "retrying"):  # a countdown
            stage = f"{event.stage} " if event.stage in {"waiting", "retrying"} else ""
            _write_line(f"{event.name}: {stage}{event.note}")


def _write_line(text: str) -> None:
    sys.stderr.write(printable(f"fetch-artifacts: {text}", sys.stderr) + "\n")


@dataclass(slots=True)
class _Running:
    """The bar of one artifact, and what it began with."""

    bar: tqdm[Any]
    began: float = field(default_factory=time.monotonic)
    first: int | None = None  # bytes of the first report: from an earlier download
    first_at: float = 0.0
    done: int = 0
    stage: str = ""
    drawn_at: float = 0.0

    def update(self, event: ProgressEvent, now: float) -> None:
        if event.stage == "downloading":
            if self.first is None or event.done < self.done:  # or it starts over
                self.first, self.first_at = event.done, now
            self.done = event.done

    def is_due(self, event: ProgressEvent, now: float) -> bool:
        """Whether to draw it: a new stage at once, else ten times a second."""
        if event.stage == self.stage and now - self.drawn_at < 0.1:
            return False
        self.stage, self.drawn_at = event.stage, now
        return True

    def received(self) -> int:
        return self.done - (self.first or 0)

    def rate(self, now: float) -> float:
        elapsed = now - self.first_at
        return self.received() / elapsed if self.first_at and elapsed > 0.2 else 0.0


class ProgressBars:
    """A line for each artifact that is being installed, and one for all of them.

    A line is at most as wide as the terminal; where it is narrow, the bar goes first,
    and the stage is never cut. A finished artifact's line moves above the others.
    """

    def __init__(self) -> None:
        self._running: dict[str, _Running] = {}
        self._total: tqdm[Any] | None = None
        self._began = time.monotonic()
        self._ended = self._received = 0
        self._total_at = 0.0
        self._lock = threading.Lock()

    def __call__(self, event: ProgressEvent) -> None:
        """Update the artifact's line."""
        with self._lock:
            now = time.monotonic()
            running = self._running.get(event.name)
            if running is None:
                running = self._running[event.name] = _Running(_new_bar(event.total))
                self._arrange()
            running.update(event, now)
            if event.stage in {*_DONE, "failed"}:
                self._end(event, running, now)
            elif running.is_due(event, now):
                _draw(running.bar, event, running.rate(now))
            self._draw_total(now)

    def close(self) -> None:
        """Remove the lines of unfinished artifacts."""
        with self._lock:
            for running in self._running.values():
                running.bar.close()
            self._running.clear()
            if self._total is not None:
                self._total.close()
                sys.stderr.write("\r")  # tqdm leaves the cursor after what it cleared

    def _end(self, event: ProgressEvent, running: _Running, now: float) -> None:
        del self._running[event.name]
        self._ended += 1
        self._received += running.received()
        running.bar.close()
        text = f"{_fit(event.name, running.bar)} {event.stage:{_STAGE_WIDTH}}"
        if event.stage in _DONE:
            took = show_seconds(now - running.began)
            text = f"{text} {show_bytes(event.done)} in {took}"
        self._arrange()
        running.bar.write(text.rstrip(), file=sys.stderr)

    def _arrange(self) -> None:
        """Leave no line empty, and let that of all artifacts be the last."""
        bars = [each.bar for each in self._running.values()]
        bars += [self._total] if self._total is not None else []
        if any(bar.pos != -row for row, bar in enumerate(bars)):
            for bar in bars:
                bar.clear()
            for row, bar in enumerate(bars):
                bar.pos = -row  # tqdm counts positions that it chose itself down
                bar.refresh()

    def _draw_total(self, now: float) -> None:
        if self._total is None:
            if len(self._running) + self._ended < 2:
                return
            self._total = _new_bar(None)
        elif now - self._total_at < 0.1:
            return
        self._total_at = now
        received = self._received + sum(
            each.received() for each in self._running.values()
        )
        rate = received / max(now - self._began, 0.2)
        states = f"{self._ended} done, {len(self._running)} running"
        text = (
            f"{_fit('total', self._total)} {states}, "
            f"{show_bytes(received)}, {show_bytes(rate)}/s"
        )
        _show(self._total, shortened(text, _columns(self._total)))


def _new_bar(total: int | None) -> tqdm[Any]:
    from tqdm.auto import tqdm

    return tqdm(
        total=total,
        bar_format="{desc}",
        file=sys.stderr,
        dynamic_ncols=True,
        leave=False,
    )


def _draw(bar: tqdm[Any], event: ProgressEvent, rate: float) -> None:
    head = f"{_fit(event.name, bar)} {event.stage:{_STAGE_WIDTH}}"
    width = _columns(bar)
    if event.note:
        note = printable(event.note, sys.stderr)
        _show(bar, shortened(f"{head} {note}", width))
        return
    size = show_bytes(event.total or event.done)
    part = f"{100 * event.done // event.total:3d}%" if event.total else "    "
    speed = f"{show_bytes(rate)}/s" if rate else ""
    bar.total, bar.n = event.total, event.done
    if width < _WIDE or not event.total:
        most = f"{head} {part} {size:>7}"
        whole = f"{most} {speed:>9}".rstrip()
        _show(bar, whole if columns_of(whole) <= width else shortened(most, width))
    else:
        _show(bar, f"{head} {part} ", f" {size:>7} {speed:>9}")


def _show(bar: tqdm[Any], text: str, after: str = "") -> None:
    """Show text, and a bar between two texts where there is a second."""
    left, right = (each.replace("{", "{{").replace("}", "}}") for each in (text, after))
    bar.bar_format = f"{left}{{bar}}{right}" if after else left + "{desc}"
    bar.refresh()


def _columns(bar: tqdm[Any]) -> int:
    return bar.format_dict["ncols"] or 80


def _fit(name: str, bar: tqdm[Any]) -> str:
    width = _WIDER_NAME if _columns(bar) >= 100 else _NAME_WIDTH
    return padded(shortened(printable(name, sys.stderr), width), width)


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    get = getattr(shell, "get_ipython", None)
    return type(get()).__name__ == "ZMQInteractiveShell" if get else False


def _has_widgets() -> bool:
    from importlib.util import find_spec

    return find_spec("ipywidgets") is not None


def _shows_bars() -> bool:
    if _in_notebook():
        return _has_widgets()
    return sys.stderr.isatty() and not is_dumb()


def _wanted() -> bool | None:
    """What the setting says; False where nobody is to see it, or there is no stream."""
    if _hidden or not sys.stderr:  # a service may have none, nor has pythonw
        return False
    return wants_progress()


@contextlib.contextmanager
def without_progress() -> Iterator[None]:
    """Show no progress in all threads within a block."""
    _hidden.append(True)
    try:
        yield
    finally:
        _hidden.pop()


@contextlib.contextmanager
def show_progress(*, verbose: bool = False) -> Iterator[Progress | None]:
    """Show progress within a ``with`` block: as bars, as lines, or not at all.

    Bars on a terminal, and in a notebook with ipywidgets. Elsewhere, as in CI, in a
    pipe or on a dumb terminal, a line for each artifact if ``verbose``.
    FETCH_ARTIFACTS_PROGRESS is "off" to show nothing, or "on" to show lines even if
    ``verbose`` is False.

    Raises:
        SettingsError: FETCH_ARTIFACTS_PROGRESS says something else.
    """
    wanted = _wanted()
    if wanted is False:
        yield None
    elif _shows_bars():
        bars = ProgressBars()
        try:
            yield bars
        finally:
            bars.close()
    else:
        yield ProgressLines() if verbose or wanted or _in_notebook() else None


def counted(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Yield items, and count them in a bar where `show_progress` would show one.

    Args:
        items: The items.
        total: How many there are.
        what: What is done with each.
    """
    if _wanted() is False or not _shows_bars():
        yield from items
        return
    from tqdm.auto import tqdm

    yield from tqdm(items, total=total, desc=what, leave=False, dynamic_ncols=True)
