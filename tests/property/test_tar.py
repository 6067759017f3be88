"""Over generated trees and damaged archives: what comes out is right, or nothing is.

`FUZZED_ARCHIVES` sets the number of damaged archives, 10,000 without it.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import os
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetch_artifacts import tarball
from fetch_artifacts.archive.compression import compressed
from fetch_artifacts.archive.unpack import unpack_archive
from fetch_artifacts.errors import UnpackError
from fetch_artifacts.git_tools.tree_hash import hash_directory
from fetch_artifacts.tar.extract import unpack
from fetch_artifacts.tar.writer import tar_chunks
from support.archives import END, file, folder, gnu_long, hardlink, header, pax, symlink
from support.fixtures import load_vectors
from support.trees import Link, Tree, make_tree

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="this system changes or refuses some names"
)

COUNT = int(os.environ.get("FUZZED_ARCHIVES", "10000"))
PER_TEST = 100
MEMORY = 64 << 20
SECONDS = 20

# --- trees that are packed and unpacked again

NAMES = st.one_of(
    st.sampled_from(
        ["a", "a.", "a-b", "a0", ".git", "é", "e\u0301", "x" * 99, "y" * 101]
    ),
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="/\0"),
        min_size=1,
        max_size=20,
    ).filter(lambda name: name not in {".", ".."}),
)
PATHS = st.lists(NAMES, min_size=1, max_size=5).map("/".join)
CONTENTS = st.one_of(
    st.none(),
    st.tuples(
        st.one_of(st.binary(max_size=30), st.sampled_from([511, 512, 513]).map(bytes)),
        st.sampled_from([0o644, 0o755]),
    ),
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
        min_size=1,
        max_size=120,
    ).map(Link),
)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    tree: Tree = {}
    drawn = draw(st.dictionaries(PATHS, CONTENTS, max_size=12))
    for path, content in drawn.items():
        folders = [path[:end] for end, char in enumerate(path) if char == "/"]
        is_free = not any(tree.get(above, None) is not None for above in folders)
        if is_free and not any(other.startswith(path + "/") for other in tree):
            tree[path] = content
    return tree


@contextmanager
def folders() -> Iterator[tuple[Path, Path]]:
    """A folder for a tree, which is not there yet, and an empty one."""
    with tempfile.TemporaryDirectory() as name:
        empty = Path(name, "unpacked")
        empty.mkdir()
        yield Path(name, "tree"), empty


@given(tree=trees(), piece=st.sampled_from([1, 100, 512, 1000, 1 << 20]))
@settings(max_examples=50)
def test_a_tree_that_is_packed_and_unpacked_keeps_its_hash(
    tree: Tree, piece: int
) -> None:
    with folders() as (source, empty):
        expected = hash_directory(make_tree(source, tree))
        archive = b"".join(tar_chunks(source))

        unpacked = unpack(
            [archive[at : at + piece] for at in range(0, len(archive), piece)], empty
        )

        assert unpacked.tree_hash == expected
        assert hash_directory(empty) == expected
        assert b"".join(tar_chunks(empty)) == archive


@given(tree=trees())
@settings(max_examples=50)
def test_pythons_tarfile_reads_what_is_packed(tree: Tree) -> None:
    with folders() as (source, _):
        make_tree(source, tree)
        archive = io.BytesIO(b"".join(tar_chunks(source)))

        with tarfile.open(fileobj=archive, errors="surrogateescape") as tar:
            names = {member.name for member in tar}

        found = {path.relative_to(source).as_posix() for path in source.rglob("*")}
        assert names == (found or {"."})


@given(tree=trees(), kind=st.sampled_from(["gz", "xz", "bz2", "zst", None]))
@settings(max_examples=30)
def test_a_packed_tree_of_any_kind_unpacks_to_its_hash(
    tree: Tree, kind: str | None
) -> None:
    with folders() as (source, empty):
        expected = hash_directory(make_tree(source, tree))
        chunks = compressed(tar_chunks(source), kind)  # type: ignore[arg-type]
        assert unpack_archive(chunks, empty).tree_hash == expected


@given(tree=trees(), form=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
@settings(max_examples=50)
def test_what_tarfile_packs_unpacks_to_the_same_tree(tree: Tree, form: int) -> None:
    with folders() as (source, empty):
        expected = hash_directory(make_tree(source, tree))
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w", format=form) as tar:
            tar.add(source, ".")

        assert unpack([archive.getvalue()], empty).tree_hash == expected
        archive.seek(0)
        if _tar_and_pkg_agree(source):
            assert tarball.tree_hash(archive, skip_empty=True) == expected


def _tar_and_pkg_agree(tree: Path) -> bool:
    """Whether a tree has no ``.git`` and no links outside ASCII."""
    paths = list(tree.rglob("*"))
    links = [path.readlink() for path in paths if path.is_symlink()]
    return not any(path.name == ".git" for path in paths) and all(
        os.fsencode(link).isascii() for link in links
    )


# --- archives that are damaged

SEEDS = [
    base64.b64decode(case["data"]) for case, _ in load_vectors("tar") if case["data"]
]
OUTSIDE = Path("/unpacked-outside")
NAMED = (
    *(b"a", b"b", b"d/e", b"d/./f", b"l/x", b"l", b"\xff", b"", b"."),
    *(b"../x", bytes(OUTSIDE)),
)


def damaged(random: Random) -> bytes:
    """An archive that is wrong in some way, or in none."""
    data = bytearray(random.choice(SEEDS) if random.random() < 0.5 else made(random))
    for _ in range(random.choice([0, 1, 1, 2, 3, 8])):
        DAMAGES[random.randrange(len(DAMAGES))](data, random)
    if random.random() < 0.5:
        mend_checksums(data)
    return wrapped(bytes(data), random)


def made(random: Random) -> bytes:
    """An archive of members that are likely to be in each other's way."""

    def name() -> bytes:
        parts = [random.choice(NAMED) for _ in range(random.randint(1, 3))]
        return b"/".join(parts)[:100]

    makers = (
        lambda: file(name(), random.randbytes(random.choice([0, 5, 511, 512, 3000]))),
        lambda: folder(name() + b"/"[: random.randint(0, 1)]),
        lambda: symlink(name(), name()),
        lambda: hardlink(name(), name(), random.choice([0o644, 0o755])),
        lambda: pax((b"path", random.randbytes(random.randint(0, 300)))) + file(b"x"),
        lambda: pax((b"size", b"%d" % random.randrange(2000)), flag=b"g"),
        lambda: gnu_long(b"L", name() * random.randint(1, 40) + b"\0") + file(b"x"),
        lambda: header(name(), bytes([random.randrange(256)])),
        lambda: header(name(), size_field=b"\x80" + random.randbytes(11)),
    )
    members = [random.choice(makers)() for _ in range(random.randint(1, 8))]
    return b"".join(members) + random.choice([b"", END])


def flip_bits(data: bytearray, random: Random) -> None:
    for _ in range(random.randint(1, 4)):
        if data:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def cut(data: bytearray, random: Random) -> None:
    del data[random.randint(0, len(data)) :]


def repeat_blocks(data: bytearray, random: Random) -> None:
    start = random.randint(0, len(data) // 512) * 512
    block = data[start : start + 512 * random.randint(1, 3)]
    data[start:start] = block * random.randint(1, 4)


def drop_block(data: bytearray, random: Random) -> None:
    start = random.randint(0, len(data) // 512) * 512
    del data[start : start + 512]


def rename(data: bytearray, random: Random) -> None:
    start = random.randint(0, len(data) // 512) * 512
    if len(data) >= start + 512:
        name = random.choice([*NAMED, random.randbytes(random.randint(1, 100))])
        data[start : start + 100] = name.ljust(100, b"\0")


def change_field(data: bytearray, random: Random) -> None:
    start = random.randint(0, len(data) // 512) * 512
    if len(data) >= start + 512:
        field = random.choice([100, 124, 148, 156, 157, 257, 345])
        text = random.randbytes(random.randint(1, 12))
        data[start + field : start + field + len(text)] = text


DAMAGES = (flip_bits, cut, repeat_blocks, drop_block, rename, change_field)


def mend_checksums(data: bytearray) -> None:
    """Make the damage inside headers count, by right checksums."""
    for start in range(0, len(data) - 511, 512):
        block = data[start : start + 512]
        if block[257:262] == b"ustar":
            block[148:156] = b" " * 8
            data[start + 148 : start + 156] = b"%06o\0 " % sum(block)


PACKERS: list[Callable[[bytes], bytes]] = [
    *(bytes, bytes, bytes),
    *(gzip.compress, bz2.compress, lzma.compress),
]


def wrapped(data: bytes, random: Random) -> bytes:
    """The archive as it is or compressed, and that damaged once more, or not."""
    packed = bytearray(random.choice(PACKERS)(data))
    if packed != data and random.random() < 0.3:
        random.choice([flip_bits, cut])(packed, random)
    return bytes(packed)


@pytest.mark.parametrize("batch", range(max(1, COUNT // PER_TEST)))
def test_a_damaged_archive_unpacks_or_is_refused_and_nothing_else_happens(
    tmp_path: Path, batch: int
) -> None:
    random = Random(batch)
    for number in range(PER_TEST):
        place = tmp_path / str(number)
        tree = place / "tree"
        tree.mkdir(parents=True)
        data = damaged(random)
        before, start = peak_memory(), time.process_time()
        try:
            unpacked = unpack_archive([data], tree)
        except UnpackError:
            assert list(tree.iterdir()) == [], (batch, number)
        else:
            assert hash_directory(tree) == unpacked.tree_hash, (batch, number)
        assert time.process_time() - start < SECONDS, (batch, number)
        assert peak_memory() - before < MEMORY, (batch, number)
        assert [path.name for path in place.iterdir()] == ["tree"], (batch, number)
        assert not OUTSIDE.exists()


def peak_memory() -> int:
    """The most bytes this process has held."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("batch", range(max(1, COUNT // PER_TEST // 5)))
def test_a_damaged_archive_never_hashes_to_what_it_does_not_unpack_to(
    tmp_path: Path, batch: int
) -> None:
    random = Random(-1 - batch)
    for number in range(PER_TEST):
        data = damaged(random)
        try:
            expected = tarball.tree_hash(io.BytesIO(data), skip_empty=True)
            tree = tarball.extract(io.BytesIO(data), tmp_path / str(number))
        except UnpackError:
            continue
        if _tar_and_pkg_agree(tree):
            assert hash_directory(tree) == expected, (batch, number)
