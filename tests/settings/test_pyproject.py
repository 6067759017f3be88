from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from fetch_artifacts.errors import SettingsError
from fetch_artifacts.files.toml_text import parse_toml
from fetch_artifacts.settings import pyproject
from fetch_artifacts.settings.pyproject import KEYS, project_table, read_table


def test_a_key_that_is_not_known_is_warned_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(
        "[tool.fetch-artifacts]\nplatfrom = 'x'\nother = 1\nplatform = 'y'\n", "utf-8"
    )
    for _ in range(2):
        assert read_table(path)["platform"] == "y"
    told = sorted(record.getMessage() for record in caplog.records)
    start, ignored = f"{path}: unknown key", "in [tool.fetch-artifacts] is ignored"
    assert told == [
        f"{start} 'other' {ignored}",
        f"{start} 'platfrom' {ignored}; did you mean 'platform'?",
    ]


def test_all_keys_that_are_read_are_known() -> None:
    source = Path(pyproject.__file__).parents[1]
    text = "".join(path.read_text("utf-8") for path in source.rglob("*.py"))
    read = r'(?:read_table\(.*?\)|\btable)\.get\(\s*"([^"]+)"'
    assert set(re.findall(read, text)) >= KEYS


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("accept-recompressed = 'yes'", "expected true or false, found 'yes'"),
        ("artifacts-toml = 3", "expected the path of a .toml file, found 3"),
        ("auth = 'token'", "expected a table for each host, found str"),
        ("mirrors = 'https://a.org'", "expected an array of addresses, found 'https"),
        ("platform = ['x']", "expected a triplet, found ['x']"),
    ],
)
def test_each_value_of_a_wrong_kind_is_an_error_that_names_it(
    tmp_path: Path, line: str, found: str
) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(f"[tool.fetch-artifacts]\n{line}\n", "utf-8")
    key = line.partition(" ")[0]
    place = re.escape(f"{path}: tool.fetch-artifacts.{key}: {found}")
    for read in (lambda: read_table(path), lambda: project_table(tmp_path)):
        with pytest.raises(SettingsError, match=place):
            read()


@pytest.mark.parametrize(
    "content", [b"[tool.fetch-artifacts", b"# fetch-artifacts \xff"]
)
def test_a_file_that_is_not_toml_is_an_error_to_commands_and_a_warning_to_functions(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"pyproject\.toml: expected TOML"):
        read_table(path)
    for _ in range(2):
        assert project_table(tmp_path) == (str(path), {})
    [record] = caplog.records
    assert record.getMessage().startswith(
        f"{path}: can't be read, so [tool.fetch-artifacts] in it is ignored: "
    )


def test_a_broken_file_that_does_not_name_this_package_is_nobody_elses_business(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("broken = [")
    assert read_table(path) == project_table(tmp_path)[1] == {}
    assert not caplog.records


# Each install asks, and TOML is slow to read.
def test_a_file_is_parsed_again_only_once_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []

    def parse(text: str) -> dict[str, object]:
        parsed.append(text)
        return parse_toml(text)

    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 10 * 10**9)  # it has settled
    monkeypatch.setattr(pyproject, "parse_toml", parse)
    path = tmp_path / "pyproject.toml"
    for platform in ("x", "yz"):
        path.write_text(f'[tool.fetch-artifacts]\nplatform = "{platform}"\n')
        assert [read_table(path)["platform"] for _ in range(3)] == [platform] * 3
    assert len(parsed) == 2
