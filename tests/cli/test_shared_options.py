"""No command ignores an option that all commands share: it uses it, or refuses it."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from fetch_artifacts.cli._main import MODULES, cli
from fetch_artifacts.cli.commands import conform
from fetch_artifacts.cli.shared.printing import volume
from fetch_artifacts.conformance.report import Report
from fetch_artifacts.depot.stack import depot_path
from fetch_artifacts.settings.environment import Settings
from fetch_artifacts.terminal.progress import show_progress
from support.commands import Result, run
from support.published import TREE_HASH, entry, publish, sha256

HERE, THERE = "x86_64-linux-gnu", "riscv64-linux-gnu"
TAGS = {
    HERE: 'arch = "x86_64"\nlibc = "glibc"\nos = "linux"\n',
    THERE: 'arch = "riscv64"\nlibc = "glibc"\nos = "linux"\n',
}
OTHER_HASH = "c" * 40

# What follows the name of each command, so that it has something to do.
ARGUMENTS: dict[str, list[str]] = {
    "add": ["New", "{url}"],
    "archive": ["Demo", "made.tar"],
    "bind": ["New", OTHER_HASH],
    "bundle": ["bundle.tar"],
    "cache-key": [],
    "check": [],
    "completion": ["bash"],
    "conform": [],
    "create": ["folder", "--bind", "New", "--url", "https://example.org/x.tar.gz"],
    "demo": [],
    "diff": ["Demo", "folder"],
    "doctor": [],
    "du": [],
    "gc": ["--dry-run"],
    "hash": ["folder"],
    "help": ["list"],
    "install": [],
    "list": [],
    "mirror": ["mirror"],
    "override": ["Demo", "folder"],
    "path": ["Demo"],
    "platform": [],
    "publish": ["folder", "New", "--to", "dir:public", "--url-base", "{public}"],
    "remove": ["Demo", "--yes"],
    "unbind": ["Demo"],
    "verify": [],
}
# What a command is asked besides, where that leaves nothing to look up.
MODES = {
    "list": ["--installed"],
    "verify": ["--all"],
    "override": ["--list"],
    "archive": [TREE_HASH, "made.tar"],
    "diff": ["folder", "folder"],
    "create": ["folder"],
}
EVERY = [
    *((name, ARGUMENTS[name]) for name in MODULES),
    *MODES.items(),
    ("override", ["--uuid", "c" * 8 + "-0000-0000-0000-000000000000", "X", "folder"]),
    ("override", [TREE_HASH, "folder"]),
]
REFUSED = "has no use"
every_call = pytest.mark.parametrize(
    ("command", "arguments"), EVERY, ids=[" ".join([n, *a])[:24] for n, a in EVERY]
)


@pytest.fixture
def place(tmp_path: Path, depot: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with Demo bound for two platforms, installed for one."""
    monkeypatch.chdir(tmp_path)
    served = publish(tmp_path / "served")
    text = entry((served.url, sha256(served.data)))
    entries = []
    for triplet, tree in ((HERE, TREE_HASH), (THERE, OTHER_HASH)):
        bound = text.replace("[Demo]\n", f"[[Demo]]\n{TAGS[triplet]}")
        entries.append(bound.replace(TREE_HASH, tree))
    (tmp_path / "Artifacts.toml").write_text("\n".join(entries))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("1")
    monkeypatch.setenv("FETCH_ARTIFACTS_PLATFORM", HERE)
    assert run("install").exit_code == 0
    assert depot.exists()
    monkeypatch.setattr(conform, "_compare", _compared)
    return tmp_path


def _compared(tomls: list[Path], triplets: tuple[str, ...], **_: object) -> Report:
    """What `conform` prints, without a Julia."""
    platforms = [each.triplet for each in conform._wanted(tomls[0], triplets)]
    return Report(version=str(platforms), way="process", reason="", checks=[])


def both_sides(command: str, arguments: list[str], *option: str) -> list[list[str]]:
    served = Path("served", "demo.tar.gz").absolute().as_uri()
    public = Path("public").absolute().as_uri()
    filled = [each.format(url=served, public=public) for each in arguments]
    return [[*option, command, *filled], [command, *filled, *option]]


def effects(place: Path, result: Result) -> tuple[Result, dict[str, str]]:
    """What a command leaves: its output, and the files but the logs of their use."""
    files = {
        str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(place.rglob("*"))
        if path.is_file() and not {"logs", ".fetch_artifacts"} & set(path.parts)
    }
    return result, files


def test_every_command_is_called() -> None:
    assert ARGUMENTS.keys() == MODULES.keys()


@pytest.mark.parametrize("side", [0, 1])
@every_call
def test_a_toml_that_is_not_there_is_named_or_made(
    place: Path, command: str, arguments: list[str], side: int
) -> None:
    option = ("--toml", "absent/none.toml")
    result = run(*both_sides(command, arguments, *option)[side])
    if result.exit_code == 0:
        assert (place / "absent" / "none.toml").exists()
    else:
        assert result.exit_code == 2
        assert "absent/none.toml" in result.stderr or REFUSED in result.stderr


@pytest.mark.parametrize("side", [0, 1])
@every_call
@pytest.mark.usefixtures("place")
def test_a_platform_that_is_none_is_wrong_usage(
    command: str, arguments: list[str], side: int
) -> None:
    result = run(*both_sides(command, arguments, "--platform", "bogus")[side])
    assert result.exit_code == 2
    assert "bogus" in result.stderr or REFUSED in result.stderr


@pytest.mark.parametrize("side", [0, 1])
@every_call
def test_another_platform_gives_another_result_or_is_refused(
    place: Path, command: str, arguments: list[str], side: int
) -> None:
    left = []
    for triplet in (THERE, HERE):
        call = both_sides(command, arguments, "--platform", triplet)[side]
        result = run(*call)
        if REFUSED in result.stderr:
            assert result.exit_code == 2
            return
        left.append(effects(place, result))
    assert left[0] != left[1]


@pytest.mark.parametrize("side", [0, 1])
@every_call
@pytest.mark.usefixtures("place")
def test_json_is_printed_or_refused(
    command: str, arguments: list[str], side: int
) -> None:
    result = run(*both_sides(command, arguments, "--json")[side])
    if REFUSED in result.stderr:
        assert (result.exit_code, result.stdout) == (2, "")
    else:
        assert json.loads(result.stdout) is not None


def state() -> dict[str, Any]:
    """What the options for the whole process change."""
    with show_progress(verbose=True) as progress:
        return {
            "depot": depot_path(),
            "offline": bool(Settings.from_environ().offline),
            "quiet": volume.quiet,
            "level": logging.getLogger("fetch_artifacts").level,
            "progress": progress is not None,
        }


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("command", MODULES)
@pytest.mark.usefixtures("place")
def test_options_for_the_process_take_effect(
    command: str, side: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = cli.get_command(cli.make_context("x", ["help"]), command)
    assert found
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(found, "callback", lambda *_, **__: seen.append(state()))
    run(command, *both_sides(command, ARGUMENTS[command])[0][1:])
    [plain] = seen
    changes: dict[tuple[str, ...], dict[str, Any]] = {
        ("--depot", str(tmp_path / "other")): {"depot": (tmp_path / "other",)},
        ("--offline",): {"offline": True},
        ("-q",): {"quiet": True, "progress": False, "level": logging.ERROR},
        ("-v",): {"level": logging.INFO},
        ("-vv",): {"level": logging.DEBUG},
        ("--debug",): {"level": logging.DEBUG},
        ("--no-progress",): {"progress": False},
    }
    for option, change in changes.items():
        seen.clear()
        result = run(*both_sides(command, ARGUMENTS[command], *option)[side])
        assert (result.exit_code, seen) == (0, [{**plain, **change}]), option
    result = run(
        *both_sides(command, ARGUMENTS[command], "--depot", "folder/file")[side]
    )
    assert (result.exit_code, "folder/file" in result.stderr) == (2, True)


@pytest.mark.parametrize("command", sorted(MODULES.keys() - {"demo"}))
@pytest.mark.usefixtures("depot")
def test_quiet_leaves_results_alone_and_verbose_keeps_them(
    place: Path, command: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = tmp_path_factory.mktemp("before") / "place"
    shutil.copytree(place, before, symlinks=True)
    left = {}
    for option in ("--no-progress", "--quiet", "-v", "--debug"):
        [_, call] = both_sides(command, ARGUMENTS[command], option)
        left[option] = run(*call)
        for path in place.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(before, place, symlinks=True, dirs_exist_ok=True)
    said = left["--no-progress"]
    assert said.exit_code or left["--quiet"].stderr == ""
    for result in left.values():
        assert result.exit_code == said.exit_code
        assert without_ages(result.stdout) == without_ages(said.stdout)
        assert "internal error" not in result.stderr


@pytest.mark.parametrize(
    "command",
    ["archive", "install", "list", "override", "path", "remove", "verify", "unbind"],
)
@pytest.mark.usefixtures("place")
def test_debug_tells_the_file_and_the_entry(command: str) -> None:
    said = run(command, *ARGUMENTS[command], "--debug").stderr
    assert re.search(r"debug: the Artifacts.toml is /.*Artifacts.toml\n", said)
    if command not in {"path", "unbind"}:  # of what is there, or of every entry
        assert "debug: this machine is x86_64-linux-gnu: arch from FETCH_" in said
        assert re.search(rf"Artifacts.toml: Demo: {TREE_HASH}, for .*, 1 source", said)


def without_ages(text: str) -> str:
    return re.sub(r"\d+ (s|min)\b", "", text)


@pytest.mark.usefixtures("place")
def test_the_help_of_a_command_lists_what_it_uses_and_nothing_else() -> None:
    for command in MODULES:
        text = run(command, "--help").stdout
        for option in ("--toml=absent", f"--platform={HERE}", "--json"):
            name, _, _ = option.partition("=")
            call, _ = both_sides(command, ARGUMENTS[command], option)
            if REFUSED in run(*call, *["--dry-run"] * ("--dry-run" in text)).stderr:
                assert name not in text.split("\nOptions:")[-1], (command, option)
            else:
                assert name in text, (command, option)
