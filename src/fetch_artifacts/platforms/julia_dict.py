"""The order in which a Julia ``Dict{String}`` gives its keys.

Julia prints the extra tags of a platform in this order, and among platforms that fit
equally well the greatest triplet is chosen. These are the rules of Julia 1.12
(dict.jl; hashing.jl:195-201; hashing.c:68). Julia 1.13 hashes strings in another way.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MASK: Final = 2**64 - 1
_MEMHASH_SEED: Final = 0x71E729FD56419C81  # hashing.jl:195
_C1: Final = 0x87C37B91114253D5
_C2: Final = 0x4CF5AD432745937F
_LEAST: Final = 16  # slots (dict.jl:_tablesz)
_EMPTY: Final = None
_DELETED: Final = False


class KeyTable:
    """The keys of a ``Dict{String}``.

    Args:
        keys: The keys to begin with.
        room: For how many keys the table is made; as many as there are, unless
            given.
    """

    def __init__(self, keys: Iterable[str] = (), *, room: int | None = None) -> None:
        keys = tuple(keys)
        self._slots: list[str | bool | None] = []
        self._filled = self._deleted = 0
        self._rehash(-(-3 * (len(keys) if room is None else room) // 2))
        for key in keys:
            self.add(key)

    def __iter__(self) -> Iterator[str]:
        return (slot for slot in self._slots if isinstance(slot, str))

    def add(self, key: str) -> None:
        """Put a key into its slot, where it is not there yet (dict.jl:`setindex!`)."""
        free = None
        for slot in self._probed(key):
            found = self._slots[slot]
            if found == key:
                return
            if free is None and not isinstance(found, str):
                free = slot
            if found is _EMPTY:
                break
        if free is None:  # pragma: no cover - a third of the slots is free
            raise AssertionError(key)
        self._deleted -= self._slots[free] is _DELETED
        self._slots[free] = key
        self._filled += 1
        if 3 * (self._filled + self._deleted) > 2 * len(self._slots):
            self._rehash(4 * self._filled)

    def remove(self, key: str) -> None:
        """Take a key out (dict.jl:`_delete!`)."""
        slots = self._slots
        for slot in self._probed(key):
            if slots[slot] is _EMPTY:
                return
            if slots[slot] == key:
                break
        slots[slot] = _DELETED
        self._filled -= 1
        self._deleted += 1
        if slots[(slot + 1) % len(slots)] is _EMPTY:
            while slots[slot] is _DELETED:
                slots[slot] = _EMPTY
                self._deleted -= 1
                slot = (slot - 1) % len(slots)

    def _probed(self, key: str) -> Iterator[int]:
        size = len(self._slots)
        first = string_hash(key) % size
        return ((first + step) % size for step in range(size))

    def _rehash(self, least: int) -> None:
        keys = tuple(self)
        self._slots = [_EMPTY] * (1 << (max(least, _LEAST) - 1).bit_length())
        self._filled = self._deleted = 0
        for key in keys:
            self.add(key)


@lru_cache(maxsize=1024)  # the names of tags, the same in most entries
def string_hash(text: str) -> int:
    """Julia's ``hash(text)``, 64 bits."""
    seed = _MEMHASH_SEED % 2**32
    _, second = murmur3_128(text.encode("utf-8", "surrogatepass"), seed)
    return (second + _MEMHASH_SEED) & _MASK


def murmur3_128(data: bytes, seed: int) -> tuple[int, int]:
    """Both 64-bit halves of MurmurHash3_x64_128, a public-domain hash.

    Args:
        data: What to hash.
        seed: 32 bits.
    """
    h1 = h2 = seed
    whole = len(data) - len(data) % 16
    for start in range(0, whole, 16):
        h1 ^= _mixed(int.from_bytes(data[start : start + 8], "little"), _C1, 31, _C2)
        h1 = ((_rotated(h1, 27) + h2) * 5 + 0x52DCE729) & _MASK
        h2 ^= _mixed(
            int.from_bytes(data[start + 8 : start + 16], "little"), _C2, 33, _C1
        )
        h2 = ((_rotated(h2, 31) + h1) * 5 + 0x38495AB5) & _MASK
    tail = data[whole:]
    h2 ^= _mixed(int.from_bytes(tail[8:], "little"), _C2, 33, _C1)
    h1 ^= _mixed(int.from_bytes(tail[:8], "little"), _C1, 31, _C2)
    h1 ^= len(data)
    h2 ^= len(data)
    h1 = (h1 + h2) & _MASK
    h2 = (h1 + h2) & _MASK
    h1, h2 = _finished(h1), _finished(h2)
    h1 = (h1 + h2) & _MASK
    return h1, (h1 + h2) & _MASK


def _mixed(word: int, factor: int, bits: int, other: int) -> int:
    return (_rotated((word * factor) & _MASK, bits) * other) & _MASK


def _rotated(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (64 - bits))) & _MASK


def _finished(word: int) -> int:
    word = ((word ^ (word >> 33)) * 0xFF51AFD7ED558CCD) & _MASK
    word = ((word ^ (word >> 33)) * 0xC4CEB9FE1A85EC53) & _MASK
    return word ^ (word >> 33)
