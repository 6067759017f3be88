"""Many small files hashed at once, by this process and by forks of it.

A small file takes some 15 microseconds, most of them in Python, where threads only wait
for each other (`fetch_artifacts.parallel.processes`).

A process that is free reads the number of the next block of files from a pipe, and
writes their digests into shared memory. Blocks that are missing at the end, because a
fork was killed or met a file that can't be hashed, are hashed by this process, which
then raises the error.
"""

from __future__ import annotations

import contextlib
import os
from mmap import mmap
from typing import TYPE_CHECKING, Final, TypeAlias

from fetch_artifacts.git_tools.files import hash_small_file
from fetch_artifacts.git_tools.objects import DIGEST_SIZES, EXECUTABLE, FILE
from fetch_artifacts.parallel.processes import (
    available_cores,
    fork,
    may_fork,
    processes_for,
    signals_blocked,
    wait_for,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fetch_artifacts.digests import Algorithm

Hashed: TypeAlias = "tuple[bytes, bytes | None]"
"""The mode and the digest of a file; of a large one the mode only."""

MOST_FILES: Final = 1 << 15
"""The paths of this many files take a few MB."""

_MOST_ALONE: Final = 1 << 9  # so few that their paths stay in the processor's caches

WORTH_A_FORK: Final = 500
"""Hashing this many files takes some ten times as long as a fork of a small process."""

_PAGES_A_FILE: Final = 50  # a fork takes longer, the more pages of memory there are
_BLOCK: Final = MOST_FILES >> 8  # files; so the number of a block is one byte


def files_at_once() -> int:
    """How many files to collect before they are hashed."""
    return MOST_FILES if available_cores() > 1 and may_fork() else _MOST_ALONE


def hash_small_files(paths: Sequence[bytes], algorithm: Algorithm) -> Iterable[Hashed]:
    """Give what `hash_small_file` gives for each path, in their order.

    Args:
        paths: At most `MOST_FILES`.
        algorithm: Which digests to make.

    Raises:
        UnhashableFileError: One is not a regular file, can't be read, or changes.
    """
    processes = processes_for(
        len(paths), least=WORTH_A_FORK, pages_a_piece=_PAGES_A_FILE
    )
    if processes > 1:
        return _Board(paths, algorithm).hash_in_forks(processes - 1)
    return [hash_small_file(path, algorithm) for path in paths]


class _Board:
    """Memory that processes share, with a place for each file, and for each block.

    The place of a block is 1 when those of its files are filled in.
    """

    def __init__(self, paths: Sequence[bytes], algorithm: Algorithm) -> None:
        self._paths = paths
        self._algorithm = algorithm
        self._empty = bytes(DIGEST_SIZES[algorithm])
        self._place = 1 + len(self._empty)
        self._blocks = -(-len(paths) // _BLOCK)
        self._memory = mmap(-1, self._blocks + len(paths) * self._place)

    def hash_in_forks(self, forks: int) -> Iterator[Hashed]:
        numbers, end = os.pipe()
        os.write(end, bytes(range(self._blocks)))
        os.close(end)
        children: list[int] = []
        try:
            with (
                signals_blocked() as mask,
                contextlib.suppress(OSError, RuntimeError),  # forbidden, or too many
            ):
                while len(children) < forks:
                    children.append(fork(lambda: self._hash_blocks(numbers), mask))
            self._hash_blocks(numbers)
        finally:
            while os.read(numbers, self._blocks):  # after an error, no more is begun
                pass
            os.close(numbers)
            for child in children:
                wait_for(child)
        for block in range(self._blocks):
            if not self._memory[block]:
                self._hash_block(block)
        return self._hashed()

    def _hash_blocks(self, numbers: int) -> None:
        while number := os.read(numbers, 1):
            self._hash_block(number[0])

    def _hash_block(self, block: int) -> None:
        first = block * _BLOCK
        filled = bytearray()
        for path in self._paths[first : first + _BLOCK]:
            mode, digest = hash_small_file(path, self._algorithm)
            filled.append((mode == EXECUTABLE) + 2 * (digest is None))
            filled += digest or self._empty
        start = self._blocks + first * self._place
        self._memory[start : start + len(filled)] = filled
        self._memory[block] = 1

    def _hashed(self) -> Iterator[Hashed]:
        for start in range(self._blocks, len(self._memory), self._place):
            place = self._memory[start : start + self._place]
            mode = EXECUTABLE if place[0] & 1 else FILE
            yield mode, None if place[0] & 2 else place[1:]
