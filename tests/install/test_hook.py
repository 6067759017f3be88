from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

import pytest

from fetch_artifacts.errors import JuliaError
from fetch_artifacts.install.hook import find_hook, hook_warning, run_hook
from fetch_artifacts.platforms import Platform

LINUX = Platform.parse("x86_64-linux-gnu-cuda+12.4")

needs_scripts = pytest.mark.skipif(
    sys.platform == "win32", reason="the stand-in for Julia is a shell script"
)


@pytest.fixture
def hook(tmp_path: Path) -> Path:
    path = tmp_path / "package" / ".pkg" / "select_artifacts.jl"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def make_julia(tmp_path: Path, script: str) -> Path:
    path = tmp_path / "julia"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_hook_is_found_beside_the_artifacts_toml(hook: Path) -> None:
    package = hook.parent.parent
    assert hook == find_hook(package / "Artifacts.toml")
    assert hook == find_hook(package / "JuliaArtifacts.toml")
    assert find_hook(package.parent / "Artifacts.toml") is None


def test_a_folder_of_that_name_is_no_hook(hook: Path) -> None:
    hook.unlink()
    hook.mkdir()
    assert find_hook(hook.parent.parent / "Artifacts.toml") is None


def test_the_warning_names_the_hook_and_both_ways_out(hook: Path) -> None:
    warning = hook_warning(hook)
    assert str(hook) in warning
    assert "cuda+12.4" in warning
    assert "--julia" in warning


@needs_scripts
def test_a_hook_is_run_in_its_folder_with_the_triplet(
    hook: Path, tmp_path: Path
) -> None:
    julia = make_julia(
        tmp_path,
        'for last; do :; done; echo "[Foo]"; echo "triplet = \'$last\'";'
        " echo \"folder = '$PWD'\"; echo \"flags = '$*'\"; echo note >&2",
    )
    assert run_hook(hook, LINUX, julia=julia) == {
        "Foo": {
            "triplet": "x86_64-linux-gnu-cuda+12.4",
            "folder": str(hook.parent),
            "flags": "--startup-file=no --history-file=no --color=no -O0"
            " --compile=min -t1 select_artifacts.jl x86_64-linux-gnu-cuda+12.4",
        }
    }


@needs_scripts
def test_a_hook_may_choose_nothing(hook: Path, tmp_path: Path) -> None:
    assert run_hook(hook, LINUX, julia=make_julia(tmp_path, "true")) == {}


@needs_scripts
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo hello", r"select_artifacts\.jl: expected it to print TOML(.|\n)*hello"),
        ("echo 'Foo = []'", r"expected it to print a table as 'Foo', found \[\]"),
        ("echo no CUDA >&2; exit 3", "status 3, saying: no CUDA"),
        ("exit 3", "status 3, saying: nothing"),
    ],
)
def test_a_hook_that_fails_is_an_error(
    hook: Path, tmp_path: Path, script: str, message: str
) -> None:
    julia = make_julia(tmp_path, script)
    with pytest.raises(JuliaError, match=message) as caught:
        run_hook(hook, LINUX, julia=julia, timeout=60)
    assert caught.value.julia == julia


def has_ended(pid: int) -> bool:
    """Whether a process ends within some seconds."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with contextlib.suppress(OSError):  # in a container, nobody may reap it
            if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return True
        time.sleep(0.1)
    return False


@needs_scripts
def test_a_hook_that_takes_too_long_is_an_error(hook: Path, tmp_path: Path) -> None:
    # As behind a launcher, what answers is a child of what was started.
    noted = f"echo $! > {tmp_path}/new && mv {tmp_path}/new {tmp_path}/pid"
    julia = make_julia(tmp_path, f"sleep 600 & {noted}; wait")
    for timeout in (0.5, 5, 50):  # until even a busy machine has started the child
        message = rf"expected an answer within {timeout:g} s, got none"
        with pytest.raises(JuliaError, match=message) as caught:
            run_hook(hook, LINUX, julia=julia, timeout=timeout)
        assert caught.value.julia == julia
        if (tmp_path / "pid").exists():
            break
    assert has_ended(int((tmp_path / "pid").read_text()))


@needs_scripts
def test_a_julia_given_by_a_relative_path_is_started(
    hook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_julia(tmp_path, "echo '[Foo]'")
    monkeypatch.chdir(tmp_path)
    assert run_hook(hook, LINUX, julia=Path("julia")) == {"Foo": {}}


def test_a_missing_julia_is_an_error(hook: Path, tmp_path: Path) -> None:
    with pytest.raises(JuliaError, match="can't be started"):
        run_hook(hook, LINUX, julia=tmp_path / "no-julia")
