"""Draw how time and memory grow, as SVG, from the JSON of a run of the benchmarks.

``python tests/benchmarks/chart.py`` reads .nox/bench.json and writes
.github/growth.svg; other paths may be given in that order.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from html import escape
from math import ceil, floor, log10
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT, MARGIN, GAP = 360, 240, 56, 40
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd")
PLANES = (
    ("files", "seconds", "files", "s"),
    ("size", "seconds", "MB", "s"),
    ("files", "memory", "files", "MB"),
    ("size", "memory", "MB", "MB"),
)


Curves: TypeAlias = dict[str, list[tuple[float, float]]]


class Axis(NamedTuple):
    """A logarithmic axis: from which power of ten to which, over which pixels."""

    low: int
    high: int
    start: float
    length: float

    def place(self, value: float) -> float:
        return self.start + self.length * (log10(value) - self.low) / self.powers

    @property
    def powers(self) -> int:
        return self.high - self.low


def axis(values: Iterable[float], start: float, length: float) -> Axis:
    """The axis that has room for all values."""
    logs = [log10(value) for value in values]
    low, high = floor(min(logs)), ceil(max(logs))
    return Axis(low, max(high, low + 1), start, length)


def curves(run: dict[str, Any], x: str, y: str) -> Curves:
    """The points of each benchmark, without what is a case of its own."""
    found: Curves = {}
    for each in run["growth"]:
        if each[x] and each[y] > 0 and "in one folder" not in each["title"]:
            scale = 2**20 if x == "size" else 1
            points = found.setdefault(each["benchmark"], [])
            points.append((each[x] / scale, each[y]))
    return {name: sorted(points) for name, points in found.items()}


def plane(
    found: Curves,
    left: int,
    top: int,
    names: Sequence[str],
) -> list[str]:
    """The elements of one diagram; its corner is at `left` and `top`."""
    points = [point for line in found.values() for point in line]
    if not points:
        return []
    across = axis((x for x, _ in points), left, WIDTH)
    up = axis((y for _, y in points), top + HEIGHT, -HEIGHT)
    lines = [f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}"/>']
    for power in range(across.low, across.high + 1):
        x = across.place(10.0**power)
        lines.append(f'<path d="M{x:.1f} {top}v{HEIGHT}"/>')
        lines.append(_text(x, top + HEIGHT + 16, f"{10.0**power:,.9g}", "middle"))
    for power in range(up.low, up.high + 1):
        y = up.place(10.0**power)
        lines.append(f'<path d="M{left} {y:.1f}h{WIDTH}"/>')
        lines.append(_text(left - 6, y + 4, f"{10.0**power:g}", "end"))
    lines.append(_text(left + WIDTH / 2, top + HEIGHT + 32, names[0], "middle"))
    lines.append(_text(left - 6, top - 8, names[1], "end"))
    for number, (name, line) in enumerate(found.items()):
        colour = COLOURS[number % len(COLOURS)]
        way = " ".join(f"{across.place(x):.1f},{up.place(y):.1f}" for x, y in line)
        lines.append(f'<polyline points="{way}" stroke="{colour}"/>')
        label = _text(left + 8, top + 16 + 14 * number, name, "start")
        lines.append(label.replace("<text", f'<text fill="{colour}"'))
    return lines


def draw(run: dict[str, Any]) -> str:
    """The chart of a run.

    Raises:
        ValueError: Nothing grew in it, as in a quick one.
    """
    if not run["growth"]:
        msg = "expected a run in which something grows, found none; run without --quick"
        raise ValueError(msg)
    step_x, step_y = WIDTH + MARGIN + GAP, HEIGHT + MARGIN + GAP
    lines: list[str] = []
    for number, (x, y, *names) in enumerate(PLANES):
        left = MARGIN + number % 2 * step_x
        top = GAP + number // 2 * step_y
        lines += plane(curves(run, x, y), left, top, names)
    width, height = 2 * step_x + GAP, 2 * step_y + GAP
    about = f"{run['machine']}; {run['date']}; commit {run['commit']}"
    lines.append(_text(MARGIN, height - 12, about, "start"))
    style = (
        "rect,path{fill:none;stroke:#ccc}polyline{fill:none;stroke-width:2}"
        "text{font:12px sans-serif}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">\n<style>{style}</style>\n'
        '<rect width="100%" height="100%" style="fill:#fff;stroke:none"/>\n'
        + "\n".join(lines)
        + "\n</svg>\n"
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f"<text {where}>{escape(text)}</text>"


def main() -> None:
    """Read a run, and write its chart."""
    paths = [Path(argument) for argument in sys.argv[1:]]
    source, target = [
        *paths,
        *(ROOT / ".nox" / "bench.json", ROOT / ".github" / "growth.svg")[len(paths) :],
    ]
    target.write_text(draw(json.loads(source.read_text("utf-8"))), "utf-8")


if __name__ == "__main__":
    main()
