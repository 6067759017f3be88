from __future__ import annotations

import pytest

from fetch_artifacts.tar.header import REGULAR, SYMLINK, tar_header

BLOCK = 512


@pytest.mark.parametrize(("length", "blocks"), [(99, 1), (100, 1), (101, 3)])
def test_a_link_of_up_to_100_bytes_needs_no_pax_header(
    length: int, blocks: int
) -> None:
    # Tar.jl create.jl: the field has 100 bytes, and no NUL has to end it
    header = tar_header(b"l", SYMLINK, 0o755, link=b"x" * length)
    assert len(header) == blocks * BLOCK


@pytest.mark.parametrize(("length", "blocks"), [(99, 1), (100, 1), (101, 3)])
def test_so_does_a_name_without_slashes(length: int, blocks: int) -> None:
    assert len(tar_header(b"x" * length, REGULAR, 0o644)) == blocks * BLOCK


@pytest.mark.parametrize(
    ("size", "field"),
    [
        (8**11 - 1, b"77777777777 "),
        (8**11, b"100000000000"),
        (8**12 - 1, b"777777777777"),
    ],
)
def test_a_size_has_11_octal_digits_or_12(size: int, field: bytes) -> None:
    header = tar_header(b"f", REGULAR, 0o644, size)
    assert (header[124:136], len(header)) == (field, BLOCK)
