"""What `--json` prints is what the page about it says, key by key."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fetch_artifacts.cli._main import MODULES
from fetch_artifacts.cli.commands import conform
from fetch_artifacts.conformance.check import Answer, Check
from fetch_artifacts.conformance.report import Report
from support.commands import run
from support.published import TREE_HASH, entry, publish, sha256

PAGE = Path(__file__).parents[2] / ".github" / "docs" / "json.md"
TYPES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    dict: "object",
    list: "array",
    type(None): "null",
}
DATA = {"tags", "failures"}  # objects whose keys are data
TEXT_ONLY = {"completion", "demo", "help"}
ABSENT = "c" * 40

Shape = dict[str, set[str]]

if not PAGE.exists():
    pytest.skip("NO PAGE WAS READ: a source archive has none", allow_module_level=True)


def documented() -> dict[str, Shape]:
    """The keys of each command with their types, as the page has them."""
    found: dict[str, Shape] = {}
    titles: list[str] = []
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("### "):
            titles = re.findall(r"`([^`]+)`", line)
            for title in titles:
                found.setdefault(title, {})
        elif line.startswith("| `"):
            _, keys, types, *_ = line.split("|")
            named = set(re.findall(r"string|boolean|integer|object|array|null", types))
            for key in re.findall(r"`([^`]+)`", keys):
                for title in titles:
                    found[title][key] = named
    return found


def keys_of(value: object, at: str = "") -> Iterator[tuple[str, str]]:
    """Every key of a value with the type of what it has."""
    if at:
        yield at, TYPES[type(value)]
    if isinstance(value, dict):
        for key, each in value.items():
            name = "*" if at.rpartition(".")[2] in DATA else key
            yield from keys_of(each, f"{at}.{name}" if at else name)
    elif isinstance(value, list):
        for each in value:
            yield from keys_of(each, f"{at}[]")


class Printed:
    """What commands print, gathered by the title that the page gives them."""

    def __init__(self) -> None:
        self.shapes: dict[str, Shape] = defaultdict(lambda: defaultdict(set))

    def __call__(self, title: str, *arguments: str | Path) -> Any:
        command, *modes = title.split()
        result = run(command, *modes, *arguments, "--json")
        assert result.stdout, (title, result)
        value = json.loads(result.stdout)
        for key, kind in keys_of(value):
            self.shapes[title][key].add(kind)
        return value


def compared(*_: object, **__: object) -> Report:
    checks = [Check(file=Path("Artifacts.toml"), what="hash", python=Answer("1"))]
    return Report(version="1.12", way="process", reason="named", checks=checks)


def write_files(place: Path, printed: Printed) -> None:
    """Bind artifacts, after what is wrong with another file was told."""
    served = publish(place / "served")
    folder = place / "folder"
    (folder / "inside").mkdir(parents=True)
    (folder / "inside" / "file").write_text("1")
    other = place / "other.toml"
    bound = entry((served.url, sha256(served.data)))
    (place / "Artifacts.toml").write_text(bound)
    wrong = bound.replace(sha256(served.data), "0" * 64) + "size = 1\n"
    other.write_text(wrong.replace("[Demo]\n", "[Demo]\nlazzy = true\n"))
    printed("check", other)
    printed("doctor", other)
    other.unlink()

    printed("add", "New", served.url)
    printed("bind", "Bound", ABSENT, "--platform", "riscv64-linux-gnu")
    printed("bind", "Missing", ABSENT, "--platform", "x86_64-linux-gnu")
    printed("create", folder, "-o", "made.tar.gz")
    published = "--to", f"dir:{place}/out", "--url-base", f"{place.as_uri()}/out"
    printed("publish --dry-run", folder, "Out", *published)
    printed("publish", folder, "Out", *published)
    printed("install --dry-run")
    printed("install --dry-run", "Demo", "Missing")
    printed("install", "Demo", "Out")
    printed("install --dry-run", "Demo")
    printed("unbind", "Bound")


def look_at_all(place: Path, printed: Printed) -> None:
    """Run what changes nothing, and what writes elsewhere."""
    folder = place / "folder"
    printed("list")
    printed("path", "Demo")
    printed("archive", "Demo", "demo.tar")
    printed("hash", folder, "--tree")
    printed("diff", folder, "Demo")
    printed("diff", folder, folder / "inside")
    printed("platform")
    printed("cache-key")
    printed("conform")
    printed("unbind", "Missing")
    printed("mirror", "mirror")
    (place / "mirror" / "artifact" / ABSENT).write_text("")
    printed("mirror --check --prune", "mirror", "Artifacts.toml")
    (place / "mirror" / "meta").unlink()
    printed("mirror --check --prune", "mirror", "Artifacts.toml")
    printed("bundle", "bundle.tar")


def override_and_remove(place: Path, depot: Path, printed: Printed) -> None:
    """Damage, override and remove what is installed."""
    folder = place / "folder"
    printed("verify")
    (depot / "artifacts" / TREE_HASH / "foo3").chmod(0o755)
    printed("verify")
    printed("verify --all")
    printed("list --installed")
    printed("du")
    printed("override", "Demo", folder)
    printed("path", "Demo")
    printed("list")
    printed("override --list")
    printed("list --installed")
    printed("du")
    printed("override", "--uuid", "c" * 8 + "-0000-0000-0000-000000000000", "X", folder)
    printed("override --list")
    printed("override", "--remove", "Demo")
    printed("remove", "Out", "--yes")
    printed("gc", "--dry-run")
    (place / "Artifacts.toml").unlink()
    old = (depot / "artifacts" / TREE_HASH).stat().st_mtime - 7200
    os.utime(depot / "artifacts" / TREE_HASH, (old, old))
    printed("gc")


def test_the_page_has_every_key_with_its_type_and_no_other(
    tmp_path: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FETCH_ARTIFACTS_PLATFORM", "x86_64-linux-gnu")
    monkeypatch.setattr(conform, "_compare", compared)
    printed = Printed()
    write_files(tmp_path, printed)
    look_at_all(tmp_path, printed)
    override_and_remove(tmp_path, depot, printed)
    said = documented()
    assert said.keys() == printed.shapes.keys()
    wrong = {
        title: differing(said[title], shape) for title, shape in printed.shapes.items()
    }
    assert not {title: keys for title, keys in wrong.items() if keys}


def differing(said: Shape, seen: Mapping[str, set[str]]) -> dict[str, object]:
    """The keys that only one of both has, and those of another type.

    A key with something below it need not be named itself.
    """
    named = set(said)
    around = {
        key for key in seen if any(it.startswith((f"{key}[", f"{key}.")) for it in seen)
    }
    unsaid = dict.fromkeys(seen.keys() - named - around, "not on the page")
    unseen = dict.fromkeys(named - seen.keys(), "never printed")
    mistyped = {
        key: seen[key] - said[key]
        for key in named & seen.keys()
        if seen[key] - said[key]
    }
    return {**unsaid, **unseen, **mistyped}


def test_the_page_has_every_command_that_prints_json() -> None:
    commands = {title.split()[0] for title in documented()}
    assert commands == MODULES.keys() - TEXT_ONLY
