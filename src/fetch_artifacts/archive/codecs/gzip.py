"""Gzip, written by several threads: the same bytes whatever their number.

The data is cut into blocks of 1 MiB, each a gzip member of its own (RFC 1952, 2.2) with
neither a time nor a name, as gzip, 7-Zip and Julia read them. libdeflate makes them, at
its level 6, or a faster one where that comes to the same; a block that gets hardly
smaller is stored. On real trees the result is as small as that of zlib's level 6, in a
fifth of the time on two cores.

The bytes depend on the data and the version of libdeflate only; where that has no wheel
and zlib takes its place, they differ. So the tree hash, not the sha256 of an archive
made again, shows whether two artifacts are the same.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.archive.codecs.codec import Decoding
from fetch_artifacts.parallel.processes import available_cores
from fetch_artifacts.streams import blocks

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from concurrent.futures import Future

    from fetch_artifacts.archive.codecs.codec import Buffer

# Half of it makes archives 0.3 % larger. Each thread has up to two blocks in memory.
_BLOCK_BYTES: Final = 1 << 20
_MOST_THREADS: Final = 8  # they take more than a tar archive can be written at

# Compressing random data takes longer than all else, so a sample of each block is
# tried first: small pieces from all over it, in which any headers would show.
_SAMPLES: Final = 64
_SAMPLE_BYTES: Final = 256
_SAMPLE_LEVEL: Final = 6

# What a sample shrinks to, at least, and the level for such a block. Files that do not
# compress save 1 % by their headers, and would take five times as long to decompress as
# what is stored. Small ones, or floating-point numbers, get as small at level 1.
_LEVELS: Final = ((0.97, 0), (0.8, 1), (0, 6))


def gzip_chunks(
    chunks: Iterable[bytes], *, threads: int | None = None
) -> Generator[bytes, None, None]:
    """Give the gzip of some data, which may come in pieces of any size.

    Args:
        chunks: The data.
        threads: How many threads compress; None: one for each core.
    """
    from fetch_artifacts.parallel.threads import InheritingPool

    count = threads or min(available_cores(), _MOST_THREADS)
    running: deque[Future[bytes]] = deque()
    with InheritingPool(count) as pool:
        for block in blocks(chunks, _BLOCK_BYTES):
            running.append(pool.submit(_member, block))
            if len(running) > 2 * count:
                yield running.popleft().result()
        if not running:
            yield _member(b"")
        while running:
            yield running.popleft().result()


def gzip_decoding(_max_window: int) -> Decoding:
    """Read gzip."""
    from fetch_artifacts.archive.codecs.zlib_ng import zlib

    # The stub of zlib-ng calls its exception class an instance.
    errors: Any = (zlib.error,)
    return Decoding(decoder=_Inflater, errors=errors)


class _Inflater:
    """A gzip decoder with the methods of the others."""

    def __init__(self) -> None:
        from fetch_artifacts.archive.codecs.zlib_ng import zlib

        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: Buffer, /, max_length: int) -> bytes:
        return self._zlib.decompress(data or self._zlib.unconsumed_tail, max_length)


def _member(block: bytes) -> bytes:
    """Compress a block to a member."""
    from fetch_artifacts.archive.codecs.libdeflate import gzip_member

    step = max(len(block) // _SAMPLES, _SAMPLE_BYTES)
    starts = range(0, len(block), step)
    sample = b"".join([block[start : start + _SAMPLE_BYTES] for start in starts])
    rest = len(gzip_member(sample, _SAMPLE_LEVEL)) / max(len(sample), 1)
    level = next(level for least, level in _LEVELS if rest >= least)
    return gzip_member(block, level)
