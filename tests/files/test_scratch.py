from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from fetch_artifacts.errors import DepotError
from fetch_artifacts.files.scratch import naming_the_place, scratch_folder
from support.trees import make_tree, names

KILLED = (
    "import os, sys; from pathlib import Path\n"
    "from fetch_artifacts.files.scratch import scratch_folder\n"
    "with scratch_folder(Path(sys.argv[1])) as folder:\n"
    "    (folder / 'f').touch()\n"
    "    os._exit(9)\n"
)


def test_a_scratch_folder_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as folder:
        assert folder.parent == tmp_path
        if os.name != "nt":
            assert folder.stat().st_mode & 0o777 == 0o700
        make_tree(folder, {"a/b": "x"})
    assert names(tmp_path) == []


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert len(names(tmp_path)) == 1
    others = f".fetch-artifacts-elsewhere-1-{'0' * 16}"
    alive = f".fetch-artifacts-{socket.gethostname()}-{os.getppid()}-{'0' * 16}"
    make_tree(tmp_path, {others: None, alive: None, "own": None})
    with scratch_folder(tmp_path):
        pass
    assert names(tmp_path) == sorted([others, alive, "own"])


def test_a_full_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full") as caught, scratch_folder(tmp_path):
        raise OSError(errno.ENOSPC, "full")
    assert str(tmp_path) == caught.value.filename


def test_a_missing_folder_for_temporary_files_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none_usable() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none_usable)
    with pytest.raises(DepotError, match="set TMPDIR"), scratch_folder():
        pass


def test_a_full_folder_for_temporary_files_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(DepotError, match=f"^{tempfile.gettempdir()}: .*No space left"),
        naming_the_place(),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
