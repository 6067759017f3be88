"""What commands take from the project around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.commands import run
from support.published import TREE_HASH, publish
from support.trees import make_tree


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depot: Path) -> Path:
    """A project whose package has an Artifacts.toml, and another folder of it."""
    published = publish(tmp_path / "served")
    folder = make_tree(
        tmp_path / "project",
        {
            "pyproject.toml": '[project]\nname = "My-Pkg"\n',
            "src/my_pkg/__init__.py": "",
            "src/my_pkg/Artifacts.toml": published.toml.read_text(),
            "docs/index.md": "",
        },
    )
    monkeypatch.chdir(folder)
    return folder


def configure(project: Path, text: str) -> None:
    file = project / "pyproject.toml"
    file.write_text(f"{file.read_text()}\n[tool.fetch-artifacts]\n{text}\n")


def test_the_file_that_the_project_names_is_used(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("list").exit_code == 1
    configure(project, 'artifacts-toml = "src/my_pkg/Artifacts.toml"')
    monkeypatch.chdir(project / "docs")
    for command in ("list", "check", "install", "verify", "doctor"):
        result = run(command)
        assert result.exit_code == 0, result.stderr
    assert run("bind", "Other", TREE_HASH).exit_code == 0
    assert "Other" in (project / "src/my_pkg/Artifacts.toml").read_text()
    assert not (project / "docs/Artifacts.toml").exists()


@pytest.mark.parametrize("value", ["3", '""', '"src"', '"absent.toml"'])
def test_a_bad_name_of_a_file_is_told(project: Path, value: str) -> None:
    configure(project, f"artifacts-toml = {value}")
    result = run("list")
    assert result.exit_code == 1
    place = "pyproject.toml: tool.fetch-artifacts.artifacts-toml: "
    assert f"{place}expected the path of a .toml" in result.stderr or (
        "absent.toml: expected an Artifacts.toml" in result.stderr
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("platform = 'pc'", "platform 'pc'"),
        ("mirrors = ['https://a.org', 3]", "mirrors: expected an address"),
        ("auth.'a.org' = 1", 'auth."a.org": expected a table of headers'),
        ("auth.'a.org'.'X-T' = '$HOME'", "expected a variable that begins with"),
        ("platform", "expected TOML"),
    ],
)
def test_a_setting_that_is_wrong_is_told_also_where_it_is_not_needed(
    project: Path, text: str, found: str
) -> None:
    configure(project, text)
    toml = "src/my_pkg/Artifacts.toml"
    for command in (
        ("list", "--toml", toml),
        ("check", toml),
        ("platform",),
        ("bind", "Other", TREE_HASH),
        ("mirror", "m", toml),
    ):
        result = run(*command)
        assert result.exit_code == 1, command
        assert "pyproject.toml: " in result.stderr
        assert found in result.stderr
    assert not (project / "Artifacts.toml").exists()


def test_a_second_file_is_warned_of(project: Path) -> None:
    assert run("create", "src", "-o", "made.tar.gz").stderr == ""  # binds nothing
    result = run("bind", "Other", TREE_HASH)
    assert "warning: there will be a second Artifacts.toml" in result.stderr
    assert "src/my_pkg/Artifacts.toml" in result.stderr
    result = run("bind", "More", TREE_HASH)
    assert "warning" not in result.stderr


def test_check_warns_of_a_file_that_the_wheel_will_lack(project: Path) -> None:
    assert "wheel" not in run("check", "src/my_pkg/Artifacts.toml").stdout
    (project / "src/my_pkg/Artifacts.toml").rename(project / "Artifacts.toml")
    result = run("check")
    assert result.exit_code == 0
    assert result.stdout.startswith("note: ")
    assert "the wheel will not have it" in result.stdout
    file = project / "pyproject.toml"
    include = "[tool.hatch.build.targets.wheel.force-include]\n"
    include += '"Artifacts.toml" = "my_pkg/Artifacts.toml"\n'
    file.write_text(file.read_text() + include)
    assert "wheel" not in run("check").stdout


def test_the_pyproject_above_the_file_goes_first(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = project / "src/my_pkg/Artifacts.toml"
    text = toml.read_text().replace(
        "[Demo]", '[[Demo]]\nos = "linux"\narch = "riscv64"'
    )
    toml.write_text(text.replace("[[Demo.download]]", "[[Demo.download]]"))
    configure(project, 'platform = "riscv64-linux-gnu"')
    elsewhere = make_tree(tmp_path / "elsewhere", {"pyproject.toml": "[project]\n"})
    monkeypatch.chdir(elsewhere)
    listed = run("list", "--toml", toml)
    assert "not installed" in listed.stdout, listed
