"""Texts on which a regular expression may try for ever, made from what it wants."""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

if sys.version_info >= (3, 11):
    from re import _constants, _parser  # type: ignore[attr-defined]
else:
    import sre_constants as _constants
    import sre_parse as _parser

_CATEGORIES = ("0", "a", " ", "\n", "_", "é")
_ATTACKS = 80
# Seconds of the processor; what is linear takes hundredths of it.
_MEASURABLE = 0.001
_LONGEST = 5_000
# Linear time is 8, quadratic 64.
_MOST_GROWTH = 24


def slow_text(pattern: re.Pattern[str], run: Callable[[str], object]) -> str | None:
    """Find a text that takes more than linear time, and give how it is made.

    Args:
        pattern: What is to be attacked.
        run: One of its methods.
    """
    for prefix, pump, suffix in _attacks(pattern):
        length = 12.0
        while length < _LONGEST:
            texts = [
                prefix + pump * -int(-size // len(pump)) + suffix
                for size in (length / 8, length)
            ]
            # At the first length that takes long, eight times less takes how long?
            if _time(run, texts[1], rounds=1) > _MEASURABLE:
                short, long = (_time(run, text) for text in texts)
                if long > _MEASURABLE and long > _MOST_GROWTH * short:
                    return f"{prefix!r} + {pump!r} * n + {suffix!r}: {long:.3f} s"
                break
            length *= 1.5
    return None


def _time(run: Callable[[str], object], text: str, *, rounds: int = 3) -> float:
    """The least time of the processor, of which others on the machine take little."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        run(text)
        times.append(time.process_time() - start)
    return min(times)


def _attacks(pattern: re.Pattern[str]) -> Iterator[tuple[str, str, str]]:
    """What begins like a match, what comes again and again, and what ends it."""
    made = random.Random(0)
    tree = _parser.parse(pattern.pattern, pattern.flags)
    letters = sorted(set(_letters(tree))) or ["a"]
    repeated = list(_repeated(tree)) or [tree]
    for _ in range(_ATTACKS):
        match = _match(tree, made)
        prefix = match[: made.randint(0, len(match))]
        again = made.choice(repeated)
        pieces = [made.choice(letters), _part(match, made), _match(again, made)]
        count = made.choice((1, 1, 2, 2, 3))
        pump = "".join(made.choices(pieces, (1, 1, 2), k=count)) or "a"
        yield prefix, pump, made.choice(("", "\0", "é", made.choice(letters)))


def _part(text: str, made: random.Random) -> str:
    start = made.randint(0, len(text))
    return text[start : start + made.randint(1, 12)]


def _letters(tree: Any) -> Iterator[str]:
    """A letter of each kind that a pattern names."""
    for kind, value in tree:
        if kind is _constants.IN:
            yield from _letters(value)
        elif kind is _constants.LITERAL:
            yield chr(value)
        elif kind is _constants.RANGE:
            yield chr(value[0])
        elif kind in {_constants.CATEGORY, _constants.NEGATE, _constants.ANY}:
            yield from _CATEGORIES
        for inner in _inside(kind, value):
            yield from _letters(inner)


def _repeated(tree: Any) -> Iterator[Any]:
    """What may come any number of times, each within another as well."""
    for kind, value in tree:
        for inner in _inside(kind, value):
            if kind in {_constants.MAX_REPEAT, _constants.MIN_REPEAT}:
                yield inner
            yield from _repeated(inner)


def _inside(kind: Any, value: Any) -> list[Any]:
    if kind is _constants.BRANCH:
        return list(value[1])
    holds_one = {
        _constants.MAX_REPEAT,
        _constants.MIN_REPEAT,
        _constants.SUBPATTERN,
        _constants.ASSERT,
        _constants.ASSERT_NOT,
    }
    return [value[-1]] if kind in holds_one else []


def _match(tree: Any, made: random.Random) -> str:
    """A text that fits, or nearly."""
    text = ""
    for kind, value in tree:
        if kind is _constants.IN:
            letters = list(_letters(value))
            text += made.choice(letters)
        elif kind in {_constants.MAX_REPEAT, _constants.MIN_REPEAT}:
            least, most, inner = value
            for _ in range(min(int(most), least + made.choice((0, 1, 1, 2)))):
                text += _match(inner, made)
        elif kind in {_constants.BRANCH, _constants.SUBPATTERN}:
            text += _match(made.choice(_inside(kind, value)), made)
        elif kind is _constants.LITERAL:
            text += chr(value)
        elif kind in {_constants.ANY, _constants.NOT_LITERAL}:
            text += made.choice(_CATEGORIES)
    return text
