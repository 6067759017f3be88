"""The platform of an installed Julia, and a package's hook, by that Julia itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compat_tests.questions import Julia
from fetch_artifacts.install.hook import find_hook, run_hook
from fetch_artifacts.platforms import Platform
from fetch_artifacts.platforms.host_facts import host_facts

HOOK = """
triplet = ARGS[1]
println("[Foo]")
println("git-tree-sha1 = \\"43563e7631a7eafae1f9f8d9d332e3de44ad7239\\"")
println("triplet = \\"$triplet\\"")
println("folder = \\"$(basename(pwd()))\\"")
"""


def _in_todays_order(triplet: str) -> str:
    """Julia 1.5 puts libstdcxx before the string ABI, where later ones don't look."""
    return re.sub(r"(-libstdcxx\d+)(-cxx\d+)", r"\2\1", triplet)


def test_the_host_is_what_the_installed_julia_says_it_is(
    julia: Julia, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JULIA", julia.program())

    facts = host_facts()

    expected = Platform.parse(_in_todays_order(julia.host_triplet())).as_host()
    assert expected == facts.platform
    assert {fact.source for fact in facts.tags} == {julia.program()}


def test_a_hook_runs_in_a_real_julia(julia: Julia, tmp_path: Path) -> None:
    path = tmp_path / ".pkg" / "select_artifacts.jl"
    path.parent.mkdir()
    path.write_text(HOOK)

    hook = find_hook(tmp_path / "Artifacts.toml")

    assert hook is not None
    platform = Platform.parse("x86_64-linux-gnu-cuda+12.4")
    assert run_hook(hook, platform, julia=Path(julia.program())) == {
        "Foo": {
            "git-tree-sha1": "43563e7631a7eafae1f9f8d9d332e3de44ad7239",
            "triplet": "x86_64-linux-gnu-cuda+12.4",
            "folder": ".pkg",
        }
    }
