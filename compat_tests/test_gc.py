"""Julia's garbage collector spares what Python's Artifacts.toml files still name."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from compat_tests.published import Published, publish
from compat_tests.questions import Julia
from fetch_artifacts import artifact


@pytest.fixture
def published(tmp_path: Path, httpserver: HTTPServer) -> Published:
    return publish(tmp_path, httpserver)


def test_what_python_uses_is_kept(julia: Julia, published: Published) -> None:
    artifact(published.name, published.toml)

    julia.gc()

    assert julia.verify_artifact(published.tree_hash)


def test_what_no_file_names_any_more_is_collected(
    julia: Julia, published: Published
) -> None:
    artifact(published.name, published.toml)
    published.toml.unlink()

    julia.gc()

    assert julia.artifact_exists(published.tree_hash) is False


def test_what_both_use_is_logged_where_both_read_it(
    julia: Julia, published: Published
) -> None:
    artifact(published.name, published.toml)
    julia.bind_artifact(published.toml, "Other", "1" * 40)  # logs the use of the file
    artifact(published.name, published.toml)

    julia.gc()

    assert julia.verify_artifact(published.tree_hash)
