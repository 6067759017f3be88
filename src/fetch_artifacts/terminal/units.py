"""Numbers of bytes and seconds, written for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB")


def show_bytes(count: float) -> str:
    """Write a number of bytes with two or three digits and a decimal unit: 1.2 MB."""
    size, unit = float(count), 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    digits = 1 if unit and size < 99.95 else 0
    return f"{size:.{digits}f} {_UNITS[unit]}"


def show_seconds(seconds: float) -> str:
    """Write a duration: 4 ms, 0.3 s, 12 s, 3 min 20 s."""
    if seconds < 0.0995:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def count_of(number: int, noun: str) -> str:
    """Write a number with its noun, whose plural has an s: 1 artifact, 2 artifacts."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def show_counts(counts: Mapping[str, int]) -> str:
    """Write what was done as "2 installed, 1 there already".

    Args:
        counts: Numbers by what they count; all but the first are left out where 0.
    """
    first = next(iter(counts))
    shown = (what for what, number in counts.items() if number or what == first)
    return ", ".join(f"{counts[what]:,} {what}" for what in shown)
