"""fetch-artifacts 0.1.0 in an environment of its own, beside ours, on the same cases.

The cases are in ``drop_in``: what each public function of 0.1.0 was documented to do.
Where we differ, the table below says from what to what, and why.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.harness import peer_python
from benchmarks.run import ROOT
from compat_tests.drop_in.running import CASES
from support.isolation import PREFIXES

Answers = dict[str, Any]

# In Python 3.10 it reads TOML with tomli, which it forgot to depend on.
BEFORE = ["fetch-artifacts==0.1.0", *(["tomli"] if sys.version_info < (3, 11) else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A case of which something else comes now.

    Attributes:
        case: Its name.
        before: What 0.1.0 makes of it.
        now: What we make of it.
        why: The reason.
        needs: A program without which 0.1.0 does something else; "" for none.
    """

    case: str
    before: object
    now: object
    why: str
    needs: str = ""


DIFFERENCES = (
    Difference(
        case="cache_dir_without_a_choice",
        before=".fetch_artifacts",
        now=".julia/artifacts",
        why="what one language installs, the other finds",
    ),
    Difference(
        case="artifact_in_a_folder_above",
        before="FileNotFoundError",
        now="",
        why="as Julia, we search upwards",
    ),
    Difference(
        case="artifact_of_a_folder",
        before="IsADirectoryError",
        now="",
        why="a folder stands for the file in it",
    ),
    Difference(
        case="artifact_without_a_sha256",
        before="",
        now="RuntimeError",
        why="what is not verified is not installed, in Julia neither",
    ),
    Difference(
        case="artifact_with_a_wrong_tree_hash",
        before="",
        now="RuntimeError",
        why="the hash is verified, as in Julia",
    ),
    Difference(
        case="folder_of_an_artifact_with_the_sha256_as_tree_hash",
        before=[True, False],
        now=[False, True],
        why="a tree has one place, that of its true hash, where Julia looks",
    ),
    Difference(
        case="artifact_holds_what_the_archive_holds",
        before=[".fetch_artifacts_complete", "a.txt", "sub/b.txt"],
        now=["a.txt", "sub/b.txt"],
        why="a marker among the files changes the hash of the tree",
    ),
    Difference(
        case="artifact_with_a_link",
        before=False,
        now=True,
        why="links stay links, or the hash would change",
    ),
    Difference(
        case="artifact_with_one_folder_at_the_top",
        before=[True, False],
        now=[False, True],
        why="Julia takes no folder away, so the paths inside are the same in both",
    ),
    Difference(
        case="artifact_for_several_platforms",
        before="windows",
        now="linux",
        why="the entry for this machine counts, not the first one",
    ),
    Difference(
        case="artifact_prints_when_verbose",
        before=True,
        now=False,
        why="standard output is the program's; progress goes to standard error",
    ),
    Difference(
        case="manager_of_an_entry_that_is_not_said_to_be_lazy",
        before=True,
        now=False,
        why="Julia's default; both kinds are installed on first use here",
    ),
    Difference(
        case="manager_in_another_folder_than_before",
        before="one",
        now="two",
        why="the folder that is asked for counts, not that of the first call",
    ),
    Difference(
        case="manager_of_a_file_that_changed",
        before=["Data"],
        now=["New"],
        why="a file that changed is read again",
    ),
    Difference(
        case="manager_of_a_relative_path",
        before=False,
        now=True,
        why="the file stays the same one when the working directory changes",
    ),
    Difference(
        case="toml_of_two",
        before="Artifacts.toml",
        now="JuliaArtifacts.toml",
        why="Julia's order",
    ),
    Difference(
        case="toml_in_a_folder_that_is_given",
        before="toml_in_a_folder_that_is_given",
        now="Artifacts.toml",
        why="the folder itself can't be read; the file in it is what was meant",
    ),
    Difference(
        case="tree_hash_is_gits",
        before=False,
        now=True,
        why="0.1.0 hashes a folder around the folder; Julia refuses what it publishes",
    ),
    Difference(
        case="tree_hash_sees_what_a_gitignore_names",
        before=False,
        now=True,
        why="all that is archived counts",
        needs="git",
    ),
    Difference(
        case="tree_hash_of_a_missing_folder",
        before=False,
        now=True,
        why="0.1.0 gives the first 40 digits of a sha256 of nothing",
    ),
    Difference(
        case="create_for_a_name_without_a_compression",
        before="fd37",
        now="1f8b",
        why="out.tar.gz is gzip; 0.1.0 makes xz by any name",
    ),
    Difference(
        case="create_without_a_name",
        before="drop-in-case.tar.xz",
        now="drop-in-case.tar.gz",
        why="gzip unpacks many times as fast, and every Julia can",
    ),
    Difference(
        case="create_with_an_unknown_compression",
        before="",
        now="ValueError",
        why="0.1.0 makes a plain tar, which no Julia can unpack",
    ),
    Difference(
        case="create_puts_the_contents_at_the_top",
        before=False,
        now=True,
        why="the archive of a folder holds the tree that its hash is of",
    ),
    Difference(
        case="create_makes_the_same_of_the_same",
        before=False,
        now=True,
        why="anyone can make the archive again and compare the sha256",
    ),
    Difference(
        case="bind_what_is_no_hash",
        before="",
        now="ValueError",
        why="neither language could read the file",
    ),
    Difference(
        case="add_a_source_that_is_not_there",
        before="",
        now="RuntimeError",
        why="a source is downloaded once, to see that it holds the same tree",
    ),
    Difference(
        case="query_tells_the_tree_hash",
        before=[40, False],
        now=[40, True],
        why="the hash is the true one",
    ),
    Difference(
        case="query_of_what_is_no_archive",
        before="",
        now="ValueError",
        why="0.1.0 prints a warning and leaves the hash out",
    ),
    Difference(
        case="query_prints",
        before=True,
        now=False,
        why="standard output is the program's",
    ),
    Difference(
        case="add_what_is_no_archive",
        before="",
        now="ValueError",
        why="0.1.0 binds the sha256 as git-tree-sha1; Julia refuses such a file",
    ),
    Difference(
        case="add_prints",
        before=[False, True],
        now=[False, False],
        why="standard output is the program's; progress goes to standard error",
    ),
)
DIFFERENT = {difference.case for difference in DIFFERENCES}


def ask(python: str, folder: Path) -> Answers:
    """Run the cases with the fetch-artifacts of a Python."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(PREFIXES)
    }
    chosen = {
        "FETCH_ARTIFACTS_PLATFORM": "x86_64-linux-gnu",
        "JULIA_PKG_SERVER": "",
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(folder),
    }
    done = subprocess.run(
        [python, "-m", "compat_tests.drop_in", str(folder)],
        check=True,
        env=environ | chosen,
        stdout=subprocess.PIPE,
    )
    answers: Answers = json.loads(done.stdout)
    return answers


@pytest.fixture(scope="session")
def before(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    try:
        python = peer_python(*BEFORE)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"NOT COMPARED WITH fetch-artifacts 0.1.0, can't install: {error}")
    return ask(str(python), tmp_path_factory.mktemp("before"))


@pytest.fixture(scope="session")
def now(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return ask(sys.executable, tmp_path_factory.mktemp("now"))


@pytest.mark.parametrize("case", sorted(CASES.keys() - DIFFERENT))
def test_users_get_what_they_got(case: str, before: Answers, now: Answers) -> None:
    assert before[case] == now[case]


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda each: each.case)
def test_difference(difference: Difference, before: Answers, now: Answers) -> None:
    assert difference.before != difference.now
    assert difference.now == now[difference.case], difference.why
    if difference.needs and not shutil.which(difference.needs):
        pytest.skip(f"NOT COMPARED WITH 0.1.0, which needs {difference.needs}")
    assert difference.before == before[difference.case], "what 0.1.0 makes of it"


def test_every_public_name_is_in_some_case(before: Answers) -> None:
    folder = Path(__file__).with_name("drop_in")
    text = "".join(path.read_text("utf-8") for path in folder.glob("*ing.py"))
    assert len(before["__all__"]) == 16
    assert [name for name in before["__all__"] if f"fa.{name}" not in text] == []
