"""A new subcommand is one module and one line, as CONTRIBUTING says."""

from __future__ import annotations

import sys
from types import ModuleType

import click
import pytest

from fetch_artifacts.cli import _main
from fetch_artifacts.cli.shared.grammar import command
from support.commands import run


@command()
@click.argument("name")
def greet(name: str) -> None:
    """Say hello to NAME."""
    click.echo(f"hello {name}")


@pytest.fixture
def greeting(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("greeting")
    vars(module)["COMMANDS"] = (greet,)
    monkeypatch.setitem(sys.modules, "greeting", module)
    monkeypatch.setitem(_main.MODULES, "greet", "greeting")


@pytest.mark.usefixtures("greeting")
def test_a_registered_command_runs_and_is_listed() -> None:
    assert run("greet", "Julia").stdout == "hello Julia\n"
    assert "greet Say hello to NAME." in " ".join(run("--help").stdout.split())


def test_every_registered_command_is_in_its_module() -> None:
    for name in _main.MODULES:
        assert run(name, "--help").stdout.startswith(f"Usage: fetch-artifacts {name}")


def test_an_unknown_command_is_wrong_usage() -> None:
    result = run("frobnicate")
    assert (result.exit_code, "No such command" in result.stderr) == (2, True)


def test_the_help_of_publish_lists_the_targets() -> None:
    text = " ".join(run("publish", "--help").stdout.split())
    assert "dir:PATH, an fsspec address" in text
    assert "zenodo[-sandbox][:NUMBER of a draft]. [required]" in text
