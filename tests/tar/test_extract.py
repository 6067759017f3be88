"""What a tar archive becomes on a disk: content, modes, links, and its hash."""

from __future__ import annotations

import base64
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fetch_artifacts.errors import UnpackError
from fetch_artifacts.files.folder import FROM_WITHIN
from fetch_artifacts.files.removing import empty_folder
from fetch_artifacts.git_tools.memory_tree import PLAIN, SYMLINK, Folder
from fetch_artifacts.git_tools.tree_hash import hash_directory
from fetch_artifacts.tar.extract import unpack
from fetch_artifacts.tar.limits import UnpackLimits
from fetch_artifacts.tar.symlink_copies import plan_copies
from support.archives import (
    END,
    file,
    folder,
    hardlink,
    header,
    listing,
    modes,
    pax,
    symlink,
)
from support.fixtures import ANY_NAMES, UNIX, load_vectors
from support.growth import growth


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An empty folder to unpack to."""
    path = tmp_path / "tree"
    path.mkdir()
    return path


# --- Julia's recorded answers


@UNIX
@ANY_NAMES
@pytest.mark.parametrize(
    ("case", "answer"),
    load_vectors("tar"),
    ids=[case["id"] for case, _ in load_vectors("tar")],
)
def test_a_recorded_archive_unpacks_as_julia_unpacked_it(
    tree: Path,
    umask: Callable[[int], int],
    case: dict[str, str],
    answer: dict[str, dict[str, object]],
) -> None:
    data = base64.b64decode(case["data"])
    expected = answer["extract"]
    if not expected["ok"]:
        with pytest.raises(UnpackError):
            unpack([data], tree)
        assert listing(tree) == []
        return

    unpacked = unpack([data], tree)

    assert expected["listing"] == listing(tree)
    assert expected["tree"] == str(unpacked.tree_hash)
    assert unpacked.tree_hash == hash_directory(tree)
    assert unpacked.kept is None


# --- what is where at the end


def test_an_archive_of_nothing_is_an_empty_tree(tree: Path) -> None:
    unpacked = unpack([], tree)
    assert str(unpacked.tree_hash) == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    assert (unpacked.files, unpacked.size) == (0, 0)


def test_the_facts_of_what_was_unpacked(tree: Path) -> None:
    data = folder(b"d/") + file(b"d/f", b"12345") + hardlink(b"g", b"d/f") + END
    unpacked = unpack([data], tree)
    assert (unpacked.files, unpacked.size) == (2, 10)


def test_a_hard_link_becomes_a_file_of_its_own(tree: Path) -> None:
    unpack([file(b"a", b"same", 0o755) + hardlink(b"b", b"a", 0o644)], tree)

    (tree / "a").write_text("changed")

    assert (tree / "b").read_text() == "same"
    assert (tree / "a").stat().st_nlink == 1


@UNIX
def test_a_hard_link_to_itself_only_changes_the_mode(tree: Path) -> None:
    unpacked = unpack([file(b"a", b"x", 0o644) + hardlink(b"a", b"a", 0o755)], tree)
    assert modes(tree) == {"a": 0o755}
    assert (tree / "a").read_text() == "x"
    assert unpacked.tree_hash == hash_directory(tree)


def test_a_hard_link_to_a_file_in_the_folder_it_replaces_is_refused(
    tree: Path,
) -> None:
    with pytest.raises(UnpackError, match="that it replaces"):
        unpack([file(b"d/f") + hardlink(b"d", b"d/f")], tree)
    assert listing(tree) == []


def test_a_path_through_a_file_further_up_is_refused(tree: Path) -> None:
    # Tar.extract fails here too; only a direct parent gives way.
    with pytest.raises(UnpackError, match="through the file 'a'"):
        unpack([file(b"a") + file(b"a/b/c")], tree)
    assert listing(tree) == []


def test_a_file_gives_way_to_the_folder_that_a_later_member_needs(tree: Path) -> None:
    unpacked = unpack([file(b"a", b"old") + file(b"a/b", b"new")], tree)
    assert (tree / "a" / "b").read_text() == "new"
    assert unpacked.tree_hash == hash_directory(tree)


def test_a_full_folder_gives_way_to_a_file(tree: Path) -> None:
    data = file(b"a/b/c/d") + symlink(b"a/l", b"b") + file(b"a", b"file") + file(b"e/f")
    unpacked = unpack([data], tree)
    assert sorted(modes(tree)) == ["a", "e", "e/f"]
    assert unpacked.tree_hash == hash_directory(tree)


def test_a_folder_comes_back_after_a_file_had_taken_its_place(tree: Path) -> None:
    data = file(b"a/b") + file(b"a") + file(b"a/c") + file(b"a/d")
    unpack([data], tree)
    assert sorted(modes(tree)) == ["a", "a/c", "a/d"]


def test_a_link_gives_way_and_what_it_leads_to_stays(
    tmp_path: Path, tree: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")

    unpack([symlink(b"l", os.fsencode(outside)) + file(b"l", b"theirs")], tree)

    assert outside.read_text() == "mine"
    assert (tree / "l").read_text() == "theirs"


@ANY_NAMES
def test_names_that_are_not_text_are_unpacked_as_they_are(tree: Path) -> None:
    unpacked = unpack([file(b"\xff\xfe\n") + symlink(b"l", b"\xff")], tree)
    assert {b"\xff\xfe\n", b"l"} == {os.fsencode(path.name) for path in tree.iterdir()}
    assert unpacked.tree_hash == hash_directory(tree)


def test_a_large_file_in_small_pieces(tree: Path) -> None:
    data = file(b"a", bytes(range(256)) * 5000) + file(b"b", b"end")
    chunks = [data[start : start + 1000] for start in range(0, len(data), 1000)]

    unpacked = unpack(chunks, tree)

    assert bytes(range(256)) * 5000 == (tree / "a").read_bytes()
    assert unpacked.tree_hash == hash_directory(tree)


@ANY_NAMES
def test_a_link_outside_ascii_has_a_hash_of_its_own_in_git(tree: Path) -> None:
    # Measured with Julia (Pkg.jl GitTools.jl:234) and git.
    unpacked = unpack([symlink(b"l", "tärget".encode())], tree)
    assert str(unpacked.tree_hash) == "7ecfdf5e68068aa91fd3df181b9cf9b011c7790e"
    assert str(unpacked.git_hash) == "ead5217b73f158397ffbcf9ab718635b78905626"


def test_both_hashes_are_the_same_without_such_links(tree: Path) -> None:
    unpacked = unpack([symlink(b"l", b"target") + file("é".encode())], tree)
    assert unpacked.tree_hash == unpacked.git_hash


# --- modes


@UNIX
@pytest.mark.parametrize(
    ("mask", "plain", "executable"),
    [
        (0o000, 0o644, 0o755),
        (0o002, 0o644, 0o755),
        (0o022, 0o644, 0o755),
        (0o027, 0o640, 0o750),
        (0o077, 0o600, 0o700),
        (0o111, 0o644, 0o755),  # execute bits come from the read bits
        (0o133, 0o644, 0o755),
        (0o277, 0o400, 0o500),
    ],
)
def test_modes_are_those_of_tar_extract_under_any_umask(
    tree: Path, umask: Callable[[int], int], mask: int, plain: int, executable: int
) -> None:
    data = (
        file(b"p", mode=0o7666) + file(b"x", mode=0o100) + hardlink(b"h", b"p", 0o755)
    )
    umask(mask)

    unpack([data], tree)

    assert {"p": plain, "x": executable, "h": executable} == modes(tree)


@UNIX
@pytest.mark.parametrize(
    ("mask", "plain", "executable"),
    [(0o022, 0o444, 0o555), (0o027, 0o440, 0o550), (0o133, 0o444, 0o555)],
)
def test_read_only_files_have_no_write_bits(
    tree: Path, umask: Callable[[int], int], mask: int, plain: int, executable: int
) -> None:
    data = file(b"p") + file(b"x", mode=0o755) + hardlink(b"x", b"x", 0o644)
    umask(mask)

    unpacked = unpack([data + hardlink(b"h", b"p", 0o755)], tree, read_only=True)

    assert {"p": plain, "x": plain, "h": executable} == modes(tree)
    assert unpacked.tree_hash == hash_directory(tree)


@UNIX
def test_folders_have_what_the_umask_leaves_them(
    tree: Path, umask: Callable[[int], int]
) -> None:
    umask(0o027)
    unpack([header(b"d", b"5", mode=0) + file(b"e/f")], tree, read_only=True)
    assert modes(tree) == {"d": 0o750, "e": 0o750, "e/f": 0o440}


# --- limits


def test_more_bytes_than_the_limit_are_refused_before_they_are_written(
    tree: Path,
) -> None:
    data = file(b"a", b"12345") + header(b"b", size=6) + bytes(512)
    with pytest.raises(UnpackError, match="11 bytes, expected at most 10"):
        unpack([data], tree, limits=UnpackLimits(max_size=10))
    assert listing(tree) == []


def test_copies_count_as_well(tree: Path) -> None:
    data = file(b"a", b"12345") + hardlink(b"b", b"a") + hardlink(b"c", b"a")
    with pytest.raises(UnpackError, match="15 bytes, expected at most 10"):
        unpack([data], tree, limits=UnpackLimits(max_size=10))
    assert listing(tree) == []


def test_more_members_than_the_limit_are_refused(tree: Path) -> None:
    data = file(b"a/b/c") + folder(b"d")
    with pytest.raises(UnpackError, match="more files and folders than 3"):
        unpack([data], tree, limits=UnpackLimits(max_members=3))
    assert listing(tree) == []


@pytest.mark.parametrize("depth", [3, 1000])
def test_folders_that_only_a_path_implies_count_as_members(
    tree: Path, depth: int
) -> None:
    data = pax((b"path", b"a/" * depth + b"f")) + file(b"x")
    with pytest.raises(UnpackError, match=f"more files and folders than {depth - 1}"):
        unpack([data], tree, limits=UnpackLimits(max_members=depth - 1))
    assert listing(tree) == []


@UNIX
def test_a_deep_path_that_is_too_long_is_refused_before_its_folders_are_made(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "mkdir", no_folders)
    data = pax((b"path", b"dd/" * 1400 + b"f")) + file(b"x")
    with pytest.raises(UnpackError, match="this file system can't store it"):
        unpack([data], tree)


def no_folders(path: object, *_: object, **__: object) -> None:
    pytest.fail(f"{path!r} is made")


def test_an_archive_may_reach_its_limits(tree: Path) -> None:
    limits = UnpackLimits(max_size=4096 + 5, max_members=2)  # a folder has 4096
    unpacked = unpack([file(b"a/b", b"12345")], tree, limits=limits)
    assert unpacked.size == 5


def test_a_size_of_8_exabytes_is_refused_at_once(tree: Path) -> None:
    data = header(b"a", size_field=b"\x80" + bytes(3) + b"\x7f" + b"\xff" * 7)
    with pytest.raises(UnpackError, match="expected at most"):
        unpack([data], tree)


# --- failures


def test_a_folder_is_empty_again_after_an_error(tree: Path) -> None:
    data = file(b"a/b/c", b"x") + symlink(b"a/l", b"..") + file(b"z", b"half")[:-1]
    with pytest.raises(UnpackError, match="cut short"):
        unpack([data], tree, read_only=True)
    assert listing(tree) == []


def test_an_error_of_the_source_comes_through_and_the_folder_is_empty(
    tree: Path,
) -> None:
    def broken() -> Iterator[bytes]:
        yield file(b"a", b"x") + file(b"b", b"y" * 2000)[:700]
        raise ConnectionResetError(errno.ECONNRESET, "reset by peer")

    with pytest.raises(ConnectionResetError, match="reset by peer"):
        unpack(broken(), tree)
    assert listing(tree) == []


@UNIX
def test_a_name_that_the_file_system_cannot_store_is_refused(tree: Path) -> None:
    data = pax((b"path", b"x" * 300)) + file(b"short")
    with pytest.raises(UnpackError, match="this file system can't store it"):
        unpack([data], tree)
    assert listing(tree) == []


@UNIX
def test_two_names_that_are_one_to_the_file_system_are_refused(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def caseless(
        path: bytes | Path, flags: int, mode: int = 0o777, dir_fd: int | None = None
    ) -> int:
        same = path.lower() if isinstance(path, bytes) else path
        return real(same, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", caseless)
    with pytest.raises(UnpackError, match="it ignores case"):
        unpack([file(b"a") + file(b"A")], tree)
    assert listing(tree) == []


@pytest.mark.skipif(not FROM_WITHIN, reason="NOT RUN: this system works with paths")
def test_members_far_down_are_made_from_folders_near_them(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each path from the top costs the system a step for each folder.
    asked: list[bytes | str] = []
    make_link, open_file = os.symlink, os.open

    def symlink_noted(target: bytes, place: bytes, **options: int | None) -> None:
        asked.append(place)
        make_link(target, place, **options)  # type: ignore[arg-type]

    def open_noted(place: bytes | str, flags: int, *rest: int, **options: int) -> int:
        if flags & os.O_CREAT:
            asked.append(place)
        return open_file(place, flags, *rest, **options)

    monkeypatch.setattr(os, "symlink", symlink_noted)
    monkeypatch.setattr(os, "open", open_noted)
    chains = [name + b"/" + b"d/" * 500 for name in (b"a", b"b", b"c")]
    data = [pax((b"path", chains[0] + b"f")) + file(b"f", b"x")]
    for number in range(50):
        for chain in chains:
            name = b"%d" % number
            data.append(pax((b"path", chain + b"l" + name)) + symlink(b"l", b"t"))
            copy = (b"path", chain + b"h" + name), (b"linkpath", chains[0] + b"f")
            data.append(pax(*copy) + hardlink(b"h", b"f"))
    result = unpack(data, tree)
    assert result.files == 301
    steps = sum(place.count(b"/") for place in asked if isinstance(place, bytes))
    assert steps < 301 * 500 / 4
    assert (tree / os.fsdecode(chains[2]) / "h49").read_text() == "x"
    monkeypatch.undo()
    empty_folder(tree)


def test_a_tree_may_be_deeper_than_python_recurses(tree: Path) -> None:
    deep = b"d/" * 1100 + b"f"
    data = pax((b"path", deep)) + file(b"short", b"x")

    unpacked = unpack([data + file(b"d", b"in its place")], tree)

    assert [path.name for path in tree.iterdir()] == ["d"]
    assert unpacked.tree_hash == hash_directory(tree)
    (tree / "d").unlink()
    with pytest.raises(UnpackError, match="cut short"):
        unpack([data + b"half"], tree)
    assert listing(tree) == []


def test_many_members_far_down_are_where_they_belong(tree: Path) -> None:
    # They are made from within their folder, which a later member may replace.
    deep = b"d/" * 40
    names = [b"%d" % number for number in range(40)]
    data = [file(deep + name, name) for name in names]
    data += [symlink(deep + b"l" + name, name) for name in names]
    data += [folder(deep + b"e" + name) for name in names]
    data += [file(deep + name, b"later") for name in names[:20]]
    later = [file(deep + b"39", b"39"), file(deep[:-1], b"in its way"), data[0]]
    unpacked = unpack([*data, *later, *data, END], tree)
    assert unpacked.tree_hash == hash_directory(tree)
    place = tree / os.fsdecode(deep)
    assert [(place / str(each)).read_bytes() for each in (0, 39)] == [b"later", b"39"]
    assert (place / "l39").readlink() == Path("39")
    assert len(list(place.iterdir())) == 120


def test_what_does_not_fit_on_the_disk_is_not_begun(tree: Path) -> None:
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)) as caught:
        unpack(
            [file(b"a", b"12345") + file(b"b", b"6")],
            tree,
            limits=UnpackLimits(room=5),
        )
    assert caught.value.errno == errno.ENOSPC
    assert listing(tree) == []


def test_a_full_disk_is_told_with_the_file(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)) as caught:
        unpack([file(b"a", b"12345")], tree)
    assert caught.value.filename == str(tree / "a")
    assert listing(tree) == []


def test_what_a_write_leaves_over_is_written_next(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:7]))
    unpacked = unpack([file(b"a", b"content " * 10)], tree)
    assert (tree / "a").read_bytes() == b"content " * 10
    assert unpacked.tree_hash == hash_directory(tree)


def test_a_folder_that_may_not_be_made_is_told(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: bytes, dir_fd: int | None) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(os, "mkdir", denied)
    with pytest.raises(PermissionError):
        unpack([folder(b"d")], tree)


# --- file systems without links or modes


def no_links(*_: object, **_options: object) -> None:
    raise OSError(errno.EPERM, "no links here")


def test_links_become_copies_where_there_are_none(
    tree: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    data = file(b"d/f", b"x") + symlink(b"l", b"d/f") + symlink(b"m", b"d")
    monkeypatch.setattr(os, "symlink", no_links)

    unpacked = unpack([data], tree)

    assert "x" == (tree / "l").read_text() == (tree / "m" / "f").read_text()
    assert unpacked.kept is not None
    # The hash of the archive, with links: Julia 1.12.5 and git agree.
    with_links = tree.parent / "with links"
    with_links.mkdir()
    monkeypatch.undo()
    assert unpack([data], with_links).tree_hash == unpacked.tree_hash
    assert "symbolic links can't be made here" in caplog.text


def test_links_may_be_required(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "symlink", no_links)
    with pytest.raises(PermissionError):
        unpack([symlink(b"l", b"d/f")], tree, copy_symlinks=False)
    assert listing(tree) == []


COPIED: dict[str, tuple[bytes, list[str]]] = {
    "a file": (symlink(b"l", b"d/f"), ["l"]),
    "a folder": (symlink(b"l", b"d"), ["l", "l/f"]),
    "a folder with a slash": (symlink(b"l", b"d/./"), ["l", "l/f"]),
    "a file beside it": (symlink(b"d/l", b"f"), ["d/l"]),
    "a file further up": (symlink(b"d/l", b"../d/.././d/f"), ["d/l"]),
    "a link to a link": (symlink(b"l", b"m") + symlink(b"m", b"d/f"), ["l", "m"]),
    "a path through a link": (
        symlink(b"l", b"m/f") + symlink(b"m", b"d"),
        ["l", "m", "m/f"],
    ),
    "a folder with links in it": (
        symlink(b"d/l", b"f") + symlink(b"m", b"d"),
        ["d/l", "m", "m/f", "m/l"],
    ),
    "nothing": (symlink(b"l", b"nowhere"), []),
    "an absolute path": (symlink(b"l", b"/etc/passwd"), []),
    "something outside": (symlink(b"l", b"../tree/d/f"), []),
    "itself": (symlink(b"l", b"l"), []),
    "a circle": (symlink(b"l", b"m") + symlink(b"m", b"l"), []),
    "the folder it is in": (symlink(b"d/l", b"../d"), []),
    "the root": (symlink(b"l", b"."), []),
    "a file as a folder": (symlink(b"l", b"d/f/"), []),
    "a path through a file": (symlink(b"l", b"d/f/g"), []),
    "folders that wait for each other": (
        symlink(b"d/l", b"../e") + folder(b"e/") + symlink(b"e/m", b"../d"),
        ["e"],
    ),
    "a file, by way of another": (symlink(b"l", b"d/f/../f"), ["l"]),
    "a file, by way of a link to another": (
        symlink(b"l", b"m/.././d/f") + symlink(b"m", b"d/f"),
        ["m"],  # m/.. is d
    ),
    "a file beside what a link leads to": (
        symlink(b"l", b"m/../f") + symlink(b"m", b"d/f"),
        ["l", "m"],
    ),
    "a way through a file taken for a folder": (
        symlink(b"l", b"m/../f") + symlink(b"m", b"d/f/."),
        [],
    ),
    "a way through nothing": (symlink(b"l", b"d/g/../f"), []),
    "upwards from nothing": (symlink(b"l", b"m/../d/f") + symlink(b"m", b"../x"), []),
    "a circle and a link into it": (
        symlink(b"l", b"m/../d") + symlink(b"m", b"n") + symlink(b"n", b"m"),
        [],
    ),
    "a link that was replaced": (symlink(b"l", b"d/f") + folder(b"l/"), ["l"]),
}


@pytest.mark.parametrize("case", COPIED.values(), ids=COPIED)
def test_links_inside_the_tree_are_copied_and_others_left_out(
    tree: Path, case: tuple[bytes, list[str]]
) -> None:
    data, expected = case
    unpack([file(b"d/f", b"x") + data], tree, copy_symlinks=True)
    assert sorted(["d", "d/f", *expected]) == sorted(modes(tree))


def test_a_chain_of_links_may_have_any_length(tree: Path) -> None:
    # Longer than what Linux follows (40) and deeper than what Python recurses.
    links = [b"l%d" % number for number in range(1500)]
    pairs = zip(links[1:], links, strict=False)
    data = b"".join(symlink(link, target) for link, target in pairs)
    unpack([file(b"l0", b"x") + data], tree, copy_symlinks=True)
    assert len(links) == len(list(tree.iterdir()))
    assert (tree / "l1499").read_text() == "x"


def test_links_that_double_the_way_at_each_step_are_followed_once(tree: Path) -> None:
    # Step by step, the last one has 2^200 of them.
    data = b"".join(
        symlink(b"l%d" % number, b"l%d/../l%d" % (number - 1, number - 1))
        for number in range(1, 200)
    )
    unpack([file(b"l0", b"x") + data], tree, copy_symlinks=True)
    assert len(list(tree.iterdir())) == 200


def deep_links(count: int) -> Folder:
    """So many links to a file, in so many folders in each other."""
    folder: Folder = {b"l%d" % number: SYMLINK + b"t" for number in range(count)}
    folder[b"t"] = PLAIN + bytes(20)
    for _ in range(count):
        folder = {b"d": folder}
    return folder


def test_the_plan_of_copies_far_down_grows_as_their_number_does() -> None:
    def plan(root: Folder) -> list[tuple[bytes, bytes]]:
        return plan_copies(root, lambda *_: None)

    assert len(plan(deep_links(100))) == 100
    assert growth(plan, deep_links(200), deep_links(400)) < 2.2


def test_copies_of_copies_end_at_the_limits(tree: Path) -> None:
    # Each folder has two links to the one before: 2^40 files.
    data = file(b"0/f", b"x")
    for number in range(1, 40):
        for name in (b"a", b"b"):
            data += symlink(b"%d/%b" % (number, name), b"../%d" % (number - 1))
    with pytest.raises(UnpackError, match="more files and folders"):
        unpack([data], tree, copy_symlinks=True, limits=UnpackLimits(max_members=1000))
    assert listing(tree) == []


@ANY_NAMES
def test_a_copy_whose_path_gets_too_long_is_refused(tree: Path) -> None:
    deep = b"/".join([b"d" * 200] * 11)
    data = pax((b"path", b"a/" + deep)) + file(b"x")
    data += pax((b"path", deep + b"/l")) + symlink(b"x", b"../" * 11 + b"a")
    with pytest.raises(UnpackError, match="this file system can't store it"):
        unpack([data], tree, copy_symlinks=True)
    assert listing(tree) == []


@UNIX
@pytest.mark.parametrize("error", [None, PermissionError(errno.EPERM, "no modes here")])
def test_a_file_system_without_modes_is_noticed(
    tree: Path, monkeypatch: pytest.MonkeyPatch, error: OSError | None
) -> None:
    def fchmod(*_: object) -> None:
        if error:
            raise error

    monkeypatch.setattr(os, "fchmod", fchmod)
    unpacked = unpack([file(b"f", b"1") + hardlink(b"f", b"f", 0o755)], tree)
    assert unpacked.kept is not None
    # The hash of the archive, where f is executable: Julia's answer.
    assert str(unpacked.tree_hash) == "c0ed534b0bb5209e8a97cdcd8fde2b36cd4ac1f1"
