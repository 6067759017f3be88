"""The two containers of LZMA: xz, and the older .lzma, which is only read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fetch_artifacts.archive.codecs.codec import Decoding, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BESIDE: Final = 1 << 20  # bytes of memory for all but the dictionary
_HEADER_BYTES: Final = 12  # of a stream
_LZMA2: Final = 0x21
_LARGEST_CODE: Final = 40  # for the size of a dictionary: 4 GiB - 1


def xz_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Compress data at xz's default level, 6."""
    import lzma

    return encode(lzma.LZMACompressor(preset=6), chunks)


def xz_decoding(max_window: int) -> Decoding:
    """Read xz: streams may be several, padded to a multiple of 4 bytes.

    Args:
        max_window: The largest dictionary that is allowed, in bytes.
    """
    import lzma

    return Decoding(
        decoder=lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, max_window + _BESIDE),
        errors=(lzma.LZMAError,),
        needs=_xz_dictionary,
        padding=4,
    )


def lzma_decoding(max_window: int) -> Decoding:
    """Read .lzma, which is a single stream; `max_window` as for `xz_decoding`."""
    import lzma

    return Decoding(
        decoder=lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, max_window + _BESIDE),
        errors=(lzma.LZMAError,),
        needs=lambda head: int.from_bytes(head[1:5], "little"),
        repeats=False,
    )


def _xz_dictionary(head: bytes) -> int:
    """The dictionary of a stream's first block, in bytes (xz format 1.2, 5.3.1)."""
    try:
        flags, place = head[_HEADER_BYTES + 1], _HEADER_BYTES + 2
        for bit in (0x40, 0x80):  # the sizes of the block, where they are given
            if flags & bit:
                place = _after_number(head, place)
        for _ in range((flags & 3) + 1):
            code, place = head[place], _after_number(head, place)
            size, place = head[place], _after_number(head, place)
            if code == _LZMA2:
                return _dictionary(head[place])
            place += size
    except IndexError:
        pass
    return 0


def _after_number(head: bytes, place: int) -> int:
    while head[place] & 0x80:
        place += 1
    return place + 1


def _dictionary(code: int) -> int:
    code = min(code & 0x3F, _LARGEST_CODE)
    return (2 | code & 1) << (code // 2 + 11)
