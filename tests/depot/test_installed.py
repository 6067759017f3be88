from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fetch_artifacts.depot.installed import known_tree, remember_tree
from fetch_artifacts.digests import Sha256, TreeHash

ARCHIVE = Sha256(b"\1" * 32)
TREE = TreeHash(b"\2" * 20)


def record_of(depot: Path) -> Path:
    return depot / "logs" / "fetch_artifacts_archives.toml"


def test_the_tree_of_an_archive_is_known_once_it_was_seen(depot: Path) -> None:
    assert known_tree(ARCHIVE) is None
    remember_tree(ARCHIVE, TREE)
    assert known_tree(ARCHIVE) == TREE
    assert known_tree(Sha256(b"\3" * 32)) is None


@pytest.mark.parametrize("content", [b"\xff", b"= no TOML", b"%s = 1", b"%s = '12'"])
def test_a_record_that_cannot_be_read_knows_nothing_and_can_be_written(
    content: bytes, depot: Path
) -> None:
    record_of(depot).parent.mkdir(parents=True)
    record_of(depot).write_bytes(content.replace(b"%s", str(ARCHIVE).encode()))
    assert known_tree(ARCHIVE) is None
    remember_tree(ARCHIVE, TREE)
    assert known_tree(ARCHIVE) == TREE


def test_threads_lose_no_tree(depot: Path) -> None:
    archives = [Sha256(bytes([number]) * 32) for number in range(24)]
    threads = [
        threading.Thread(target=remember_tree, args=(archive, TREE))
        for archive in archives
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [known_tree(archive) for archive in archives] == [TREE] * 24
