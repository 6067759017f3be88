"""The pytest plugin, in runs of pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from support.mirror import make_mirror

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the stand-in for Julia is a script"
)

MODULE = "fetch_artifacts.conformance.pytest_plugin"
# Without the entry point, in an environment that is older than it, it is named.
LOADED = any(each.value == MODULE for each in entry_points(group="pytest11"))
# Plugins of others that take longer to load than a run takes.
WITHOUT = ("-p", "no:hypothesispytest", "-p", "no:pytest_httpserver")
A, B = "a" * 40, "b" * 40
TOML = f"""\
[Plain]
git-tree-sha1 = "{A}"

[[ByPlatform]]
arch = "x86_64"
git-tree-sha1 = "{B}"
os = "linux"

[[ByPlatform]]
arch = "i686"
git-tree-sha1 = "{A}"
os = "windows"
"""


@pytest.fixture(autouse=True)
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    src = str(Path(__file__).parents[2] / "src")
    monkeypatch.setenv("PYTHONPATH", src)
    monkeypatch.setenv("FETCH_ARTIFACTS_ORACLE", "no-such-julia")
    (pytester.path / "Artifacts.toml").write_text(TOML)
    return pytester.path


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    plugin = [] if LOADED else ["-p", MODULE]
    options = (*plugin, *WITHOUT, "-p", "no:cacheprovider", *arguments)
    return pytester.runpytest_subprocess(*options)


def julia(project: Path, **otherwise: list[str] | None) -> str:
    program = make_mirror(project.parent / "bin" / "julia", otherwise)
    return f"--artifacts-julia={program}"


NAMES = ["file", "downloads[host]", "ByPlatform[host]", "Plain[host]"]


def test_without_the_option_nothing_is_collected(pytester: pytest.Pytester) -> None:
    assert run(pytester).ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_there_is_one_test_for_each_artifact_and_platform(
    pytester: pytest.Pytester, project: Path, workers: tuple[str, ...]
) -> None:
    result = run(pytester, "--artifacts-conform", "-v", julia(project), *workers)
    result.assert_outcomes(passed=4)
    said = result.stdout.str()
    for name in NAMES:
        assert f"Artifacts.toml::{name}" in said
    if not workers:
        assert "comparing with Julia 1.12.5: it was asked for" in said


def test_platforms_add_tests(pytester: pytest.Pytester, project: Path) -> None:
    options = ("--artifacts-conform", julia(project), "--artifacts-conform-platform")
    run(pytester, *options, "aarch64-linux-gnu").assert_outcomes(passed=7)
    run(pytester, *options, "all").assert_outcomes(passed=10)
    result = run(pytester, *options, "vax-ultrix")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "vax" in result.stdout.str()


def test_a_difference_fails_its_test_and_is_named(
    pytester: pytest.Pytester, project: Path
) -> None:
    oracle = julia(project, artifact_hash=[A])
    result = run(pytester, "--artifacts-conform", oracle)
    result.assert_outcomes(passed=3, failed=1)
    said = result.stdout.str()
    assert "hash of ByPlatform for x86_64-linux-gnu-libgfortran5-cxx11: " in said
    assert f"Julia gives {A}; Python gives {B}" in said
    assert "Traceback" not in said


def test_without_a_julia_the_tests_fail_and_say_how_to_get_one(
    pytester: pytest.Pytester,
) -> None:
    result = run(pytester, "--artifacts-conform")
    result.assert_outcomes(failed=4)
    assert "no program 'no-such-julia'" in result.stdout.str()
    assert "--artifacts-conform-optional" in result.stdout.str()


def test_without_a_julia_they_are_skipped_where_that_was_asked_for(
    pytester: pytest.Pytester,
) -> None:
    options = ("--artifacts-conform", "--artifacts-conform-optional", "-rs")
    result = run(pytester, *options)
    result.assert_outcomes(skipped=4)
    assert "NOT COMPARED WITH JULIA" in result.stdout.str()


def test_the_ini_key_names_files_for_every_run(
    pytester: pytest.Pytester, project: Path
) -> None:
    pytester.makeini("[pytest]\nartifacts_conform = Artifacts.toml\n")
    pytester.makepyfile(test_other="def test_other(): pass")
    run(pytester, julia(project)).assert_outcomes(passed=5)
    run(pytester, julia(project), "-n", "2").assert_outcomes(passed=5)
    run(pytester, julia(project), "test_other.py").assert_outcomes(passed=1)
    run(pytester, julia(project), ".").assert_outcomes(passed=5)


def test_a_file_in_a_folder_that_pytest_passes_over_is_compared(
    pytester: pytest.Pytester, project: Path
) -> None:
    hidden = pytester.mkdir(".hidden")
    (project / "Artifacts.toml").rename(hidden / "Artifacts.toml")
    (hidden / "test_hidden.py").write_text("def test_hidden(): pass")
    pytester.makeini("[pytest]\nartifacts_conform = .hidden/Artifacts.toml\n")
    pytester.makepyfile(test_other="def test_other(): pass")
    run(pytester, julia(project)).assert_outcomes(passed=5)
    run(pytester, julia(project), "-n", "2", "test_other.py").assert_outcomes(passed=1)


def test_a_test_can_be_named(pytester: pytest.Pytester, project: Path) -> None:
    named = "Artifacts.toml::Plain[host]"
    result = run(pytester, "--artifacts-conform=Artifacts.toml", julia(project), named)
    assert result.ret == 0
    pytester.makeini("[pytest]\nartifacts_conform = Artifacts.toml\n")
    run(pytester, julia(project), named).assert_outcomes(passed=1)


def test_a_file_that_is_none_is_wrong_usage(pytester: pytest.Pytester) -> None:
    pytester.mkdir("tests")
    result = run(pytester, "--artifacts-conform", "tests")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "write --artifacts-conform=FILE" in result.stderr.str()


def test_without_a_file_to_be_found_the_usage_is_wrong(
    pytester: pytest.Pytester, project: Path
) -> None:
    (project / "Artifacts.toml").unlink()
    (project / "Project.toml").touch()  # nothing above is looked at
    result = run(pytester, "--artifacts-conform")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "found no Artifacts.toml" in result.stderr.str()


def test_a_julia_that_crashes_is_an_error_and_no_difference(
    pytester: pytest.Pytester, project: Path
) -> None:
    result = run(pytester, "--artifacts-conform", julia(project, die=[""]))
    result.assert_outcomes(failed=4)
    assert "ended with status 1; its last words" in result.stdout.str()
    assert "Julia gives" not in result.stdout.str()


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_the_fixtures_point_both_languages_at_a_depot_of_the_test(
    pytester: pytest.Pytester, project: Path, workers: tuple[str, ...]
) -> None:
    pytester.makepyfile(
        f"""
        from fetch_artifacts import pkg_artifacts

        def test_one(julia_oracle, artifact_depot):
            ours = pkg_artifacts.artifact_path("{A}")
            assert ours == artifact_depot / "artifacts" / "{A}"
            assert julia_oracle.place("Plain", "Artifacts.toml") == ours
            made = pkg_artifacts.create_artifact(lambda folder: (folder / "a").touch())
            assert julia_oracle.verify_artifact(str(made))

        def test_two(julia_oracle, artifact_depot, tmp_path):
            assert artifact_depot.is_relative_to(tmp_path)
            assert not artifact_depot.exists()
            assert julia_oracle.version() == "1.12.5"
        """
    )
    run(pytester, julia(project), *workers).assert_outcomes(passed=2)
    result = run(pytester, *workers)
    result.assert_outcomes(errors=2)
    assert "no program 'no-such-julia'" in result.stdout.str()


def test_it_imports_nothing_that_others_would_wait_for() -> None:
    code = (
        f"import sys, pytest; before = set(sys.modules); import fetch_artifacts;"
        f"package = set(sys.modules); import {MODULE};"
        "print(sorted(set(sys.modules) - package))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert done.stdout.strip() == f"['fetch_artifacts.conformance', '{MODULE}']"
