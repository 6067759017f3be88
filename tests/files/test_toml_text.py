"""Deep TOML, in each file that is read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fetch_artifacts import artifact, bind_artifact, julia_toml
from fetch_artifacts.artifacts_toml.binding import Binding, bind
from fetch_artifacts.artifacts_toml.check import check_file
from fetch_artifacts.depot.installed import known_tree
from fetch_artifacts.depot.overrides import load_overrides
from fetch_artifacts.digests import Sha256, TreeHash
from fetch_artifacts.errors import FetchArtifactsError
from fetch_artifacts.files import toml_text
from fetch_artifacts.files.toml_text import DEEPEST, parse_toml, toml_loader
from fetch_artifacts.network.credentials import Credentials
from fetch_artifacts.settings.environment import Settings
from fetch_artifacts.settings.pyproject import read_table
from support.published import TREE_HASH, publish
from support.trees import make_tree

ONE = "1" * 40


def arrays(levels: int) -> str:
    return f"x = {'[' * (levels - 1)}{']' * (levels - 1)}\n"


def inline_tables(levels: int) -> str:
    return "x = " + "{a = " * (levels - 1) + "1" + "}" * (levels - 1) + "\n"


def dotted_key(levels: int) -> str:
    return f"{'.'.join(['x'] + ['a'] * (levels - 1))} = 1\n"


def header(levels: int) -> str:
    return f"[{'.'.join(['x'] + ['a'] * (levels - 2))}]\n"


SHAPES = [arrays, inline_tables, dotted_key, header]


@pytest.mark.parametrize("shape", SHAPES)
def test_as_many_levels_are_read_as_promised(shape: Callable[[int], str]) -> None:
    assert parse_toml(shape(DEEPEST))
    for levels in (DEEPEST + 1, 450, 1_000, 100_000):
        with pytest.raises(ValueError, match=f"expected at most {DEEPEST} levels"):
            parse_toml(shape(levels))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("comment", ["", "# by hand\n"])
def test_deep_toml_is_bound_checked_and_written(
    shape: Callable[[int], str], comment: str, tmp_path: Path
) -> None:
    toml = tmp_path / "Artifacts.toml"
    toml.write_text(comment + shape(DEEPEST), "utf-8")
    before = julia_toml.loads(toml.read_bytes())
    binding = Binding(name="Data", tree_hash=TreeHash.parse(ONE), downloads=None)
    bind(toml, binding, force=False)
    after = julia_toml.loads(toml.read_bytes())
    assert after["x"] == before["x"]
    assert julia_toml.loads(julia_toml.dumps(after)) == after
    assert check_file(toml)


DEEP = dotted_key(1_000) + arrays(450).replace("x", "y")


@pytest.mark.parametrize("shape", SHAPES)
def test_julias_reader_reads_no_deeper(shape: Callable[[int], str]) -> None:
    for odd in ("", "b = 7:32:00\n"):
        assert julia_toml.loads(odd + shape(DEEPEST))
        for levels in (DEEPEST + 1, 450, 2_000):
            with pytest.raises(ValueError, match=f"at most {DEEPEST} levels"):
                julia_toml.loads(odd + shape(levels))


@pytest.mark.usefixtures("depot")
@pytest.mark.parametrize(
    "read",
    [
        lambda path: artifact("Data", path),
        lambda path: bind_artifact(path, "Data", ONE, "https://h/a", "ab" * 32),
        read_table,
        lambda path: load_overrides([path.parent]),
    ],
)
def test_what_is_too_deep_is_an_error_of_ours(
    read: Callable[[Path], object], tmp_path: Path
) -> None:
    text = f"# fetch-artifacts\n{DEEP}"
    for name in ("Artifacts.toml", "Overrides.toml"):
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(FetchArtifactsError, match=f"at most {DEEPEST} levels"):
        read(tmp_path / "Artifacts.toml")
    assert (tmp_path / "Artifacts.toml").read_text("utf-8") == text


def test_a_user_configuration_that_is_too_deep_is_an_error_of_ours(
    tmp_path: Path,
) -> None:
    settings = Settings.from_environ()
    make_tree(settings.user_config, {"config.toml": DEEP})
    with pytest.raises(FetchArtifactsError, match=f"at most {DEEPEST} levels"):
        Credentials.load(settings, tmp_path)


def test_files_that_only_help_are_ignored_where_they_are_too_deep(
    depot: Path, tmp_path: Path
) -> None:
    published = publish(tmp_path / "project")
    make_tree(published.toml.parent, {"Project.toml": DEEP})
    logs = ("fetch_artifacts_archives.toml", "artifact_usage.toml")
    make_tree(depot / "logs", dict.fromkeys(logs, DEEP))
    uuid = "d8e3a1f0-1111-4222-8333-444455556666"
    make_tree(depot / "artifacts", {"Overrides.toml": f'[{uuid}]\nOther = "/x"\n'})
    assert known_tree(Sha256.parse("ab" * 32)) is None
    assert artifact("Demo", published.toml).name == TREE_HASH


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="NOT RUN: this Python has no tomllib"
)
def test_without_tomli_the_standard_library_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a frozen program that lacks its compiled part."""
    monkeypatch.setitem(sys.modules, "tomli", None)
    monkeypatch.setattr(toml_text, "toml_loader", toml_loader.__wrapped__)
    assert parse_toml("a = 1") == {"a": 1}
    with pytest.raises(ValueError, match="Invalid"):
        parse_toml("a =")


IN_A_SUB_INTERPRETER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
found = interpreters.run_string(interpreters.create(), '''
from fetch_artifacts.files.toml_text import parse_toml
for _ in range(2):
    assert parse_toml("a = 1") == {"a": 1}
''')
assert found is None, found
"""


def test_a_sub_interpreter_reads() -> None:
    command = [sys.executable, "-c", IN_A_SUB_INTERPRETER]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(
    not hasattr(sys, "get_int_max_str_digits"), reason="this Python reads any integer"
)
@pytest.mark.parametrize("sign", ["", "-"])
def test_an_integer_of_too_many_digits_says_how_many_there_may_be(sign: str) -> None:
    most = sys.get_int_max_str_digits()
    assert parse_toml(f"a = {sign}{'1' * most}")
    with pytest.raises(ValueError, match=f"expected integers of at most {most} digits"):
        parse_toml(f"a = {sign}{'1' * (most + 1)}")
