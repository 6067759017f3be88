"""`fetch-artifacts conform` on projects that Julia reads as Python does, or not."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from compat_tests.published import publish
from fetch_artifacts.conformance.check import Check
from fetch_artifacts.conformance.compare import (
    Wanted,
    bound_platforms,
    compare_file,
)
from fetch_artifacts.conformance.questions import Julia, version_numbers
from fetch_artifacts.conformance.report import describe

A, B, C = "a" * 40, "b" * 40, "c" * 40
UUID = "d8e3a1f0-1111-4222-8333-444455556666"
GOOD = f"""\
[Plain]
git-tree-sha1 = "{A}"

[[ByPlatform]]
arch = "x86_64"
git-tree-sha1 = "{B}"
libc = "glibc"
os = "linux"

    [[ByPlatform.download]]
    sha256 = "{"0" * 64}"
    url = "https://example.org/x.tar.gz"

[[ByPlatform]]
arch = "x86_64"
git-tree-sha1 = "{C}"
os = "windows"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Project.toml").write_text(f'name = "Mixed"\nuuid = "{UUID}"\n')
    return folder


def compared(
    julia: Julia, toml: Path, *, install: bool = False
) -> dict[str, list[str]]:
    """What differs, by kind of check; something must have been compared."""
    platforms = [Wanted.host(julia), *bound_platforms(toml)]
    checks = list(compare_file(julia, toml, platforms, install=install))
    assert any(check.outcome == "same" for check in checks)
    different: dict[str, list[str]] = {}
    for check in checks:
        if check.outcome == "different":
            different.setdefault(check.what, []).append(describe(check))
    return different


def test_a_good_file_is_the_same_for_both(julia: Julia, project: Path) -> None:
    toml = project / "Artifacts.toml"
    toml.write_text(GOOD)
    assert compared(julia, toml) == {}


def test_both_install_the_same_tree_from_each_source(
    julia: Julia, project: Path, depot: Path, httpserver: HTTPServer
) -> None:
    published = publish(project, httpserver)
    assert compared(julia, published.toml, install=True) == {}
    assert not depot.exists()


def test_a_hash_of_64_digits_is_named(julia: Julia, project: Path) -> None:
    toml = project / "Artifacts.toml"
    digest = "0" * 64
    toml.write_text(
        f'[Old]\ngit-tree-sha1 = "{digest}"\n'
        f'[[Old.download]]\nurl = "https://example.org/x"\nsha256 = "{digest}"\n'
    )
    different = compared(julia, toml)
    assert different.keys() == {"hash", "path"}
    (hashes,) = different["hash"]
    assert "Julia refuses it (ArgumentError" in hashes
    assert f"Python gives {digest}" in hashes


def test_a_text_among_the_tags_is_named_where_julia_reads_it(
    julia: Julia, project: Path
) -> None:
    toml = project / "Artifacts.toml"
    toml.write_text(GOOD.replace('os = "windows"', 'os = "windows"\nnote = "a b"'))
    different = compared(julia, toml)
    if version_numbers(julia.version()) >= (1, 6):
        assert different == {}  # both refuse it
        return
    assert different.keys() == {"entry", "hash", "path"}
    assert all("of ByPlatform" in each for each in different["hash"])
    assert f"Julia gives {B}; Python refuses it" in different["hash"][0]


def test_an_override_that_is_none_is_named_where_julia_passes_it_over(
    julia: Julia, project: Path, depot: Path
) -> None:
    toml = project / "Artifacts.toml"
    toml.write_text(GOOD)
    overrides = depot / "artifacts" / "Overrides.toml"
    overrides.parent.mkdir(parents=True)
    overrides.write_text(f'[{UUID}]\nPlain = "{C}"\nByPlatform = "elsewhere"\n')
    different = compared(julia, toml)
    if version_numbers(julia.version()) >= (1, 6):
        assert different == {}  # both refuse it
        return
    said = f"Julia gives {depot}/artifacts/{A}; Python refuses it"
    assert any(said in each for each in different["path"])


@pytest.mark.parametrize("target", ["{ROOT}/elsewhere", C])
def test_overrides_of_the_package_count_for_both(
    julia: Julia, project: Path, depot: Path, target: str
) -> None:
    toml = project / "Artifacts.toml"
    toml.write_text(GOOD)
    overrides = depot / "artifacts" / "Overrides.toml"
    overrides.parent.mkdir(parents=True)
    place = target.replace("{ROOT}", str(project))
    overrides.write_text(f'[{UUID}]\nPlain = "{place}"\n')
    checks = list(compare_file(julia, toml, [Wanted.host(julia)]))
    assert [describe(each) for each in checks if each.outcome == "different"] == []
    (path,) = _paths_of("Plain", checks)
    assert path.endswith(place)


def _paths_of(name: str, checks: list[Check]) -> list[str]:
    return [
        each.julia.text for each in checks if (each.name, each.what) == (name, "path")
    ]
