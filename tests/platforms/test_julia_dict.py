from __future__ import annotations

from random import Random

import pytest

from fetch_artifacts.platforms.julia_dict import KeyTable, murmur3_128, string_hash

# The values that implementations of MurmurHash3_x64_128 are commonly tested with:
# text, seed, both halves.
STANDARD = [
    ("", 0, 0x0000000000000000, 0x0000000000000000),
    ("hello", 0, 0xCBD8A7B341BD9B02, 0x5B1E906A48AE1D19),
    ("hello, world", 0, 0x342FAC623A5EBC8E, 0x4CDCBC079642414D),
    ("19 Jan 2038 at 3:14:07 AM", 0, 0xB89E5988B737AFFC, 0x664FC2950231B2CB),
    (
        "The quick brown fox jumps over the lazy dog.",
        *(0, 0xCD99481F9EE902C9, 0x695DA1A38987B6E7),
    ),
    ("hello", 1, 0xA78DDFF5ADAE8D10, 0x128900EF20900135),
]


@pytest.mark.parametrize(("text", "seed", "first", "second"), STANDARD)
def test_the_standard_values(text: str, seed: int, first: int, second: int) -> None:
    assert (first, second) == murmur3_128(text.encode(), seed)


def test_the_verification_value_of_smhasher() -> None:
    # SMHasher KeysetTest.cpp: keys of 0 to 255 bytes, then the hash of their hashes.
    hashes = b""
    for length in range(256):
        for half in murmur3_128(bytes(range(length)), 256 - length):
            hashes += half.to_bytes(8, "little")
    first, _ = murmur3_128(hashes, 0)
    assert first % 2**32 == 0x6384BA69


def test_a_hash_has_64_bits() -> None:
    assert all(0 <= string_hash(str(number)) < 2**64 for number in range(1000))


@pytest.mark.parametrize("seed", range(20))
def test_a_table_holds_what_a_set_holds(seed: int) -> None:
    random = Random(seed)
    table, expected = KeyTable(room=0), set[str]()
    for _ in range(300):
        key = str(random.randrange(60))
        if random.random() < 0.6:
            table.add(key)
            expected.add(key)
        else:
            table.remove(key)
            expected.discard(key)
        assert sorted(expected) == sorted(table)


def test_room_and_history_decide_the_order() -> None:
    keys = [f"tag{number}" for number in range(12)]
    assert list(KeyTable(keys, room=0)) != list(KeyTable(keys))
    assert sorted(KeyTable(keys, room=0)) == sorted(KeyTable(keys))
