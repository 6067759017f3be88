"""pytest: the tests that `--artifacts-conform` generates, and fixtures for others.

pytest loads this module in every run where the package is installed, so it imports
nothing of the package until something of it is used.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from fetch_artifacts.conformance.pytest_items import ConformFile, Oracle
    from fetch_artifacts.conformance.questions import Julia

_FILES = pytest.StashKey[list[Path]]()
_LISTED = pytest.StashKey[list[Path]]()  # those that this run is to compare
_OPENED = pytest.StashKey[set[Path]]()
_ORACLE = pytest.StashKey["Oracle"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and ini keys."""
    group = parser.getgroup("artifacts", "Artifacts.toml, compared with real Julia")
    group.addoption(
        "--artifacts-conform",
        action="append",
        nargs="?",
        const="",
        metavar="FILE",
        help="compare what Julia and Python make of FILE, in one test for each "
        "artifact and platform; without =FILE the one found from the root folder",
    )
    group.addoption(
        "--artifacts-conform-platform",
        action="append",
        metavar="TRIPLET",
        help="compare for this platform too; all: every one that a file binds",
    )
    group.addoption(
        "--artifacts-conform-optional",
        action="store_true",
        help="without a Julia skip these tests instead of failing",
    )
    group.addoption(
        "--artifacts-julia",
        metavar="CHOICE",
        help="the Julia to ask: auto, juliacall, process or the path of a program",
    )
    parser.addini(
        "artifacts_conform",
        "files to compare with Julia, relative to this file",
        type="paths",
    )
    parser.addini(
        "artifacts_conform_platforms",
        "platforms to compare for beside this machine's",
        type="linelist",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Find out the files, and let pytest collect them."""
    named: list[Path] = list(config.getini("artifacts_conform"))
    asked = config.getoption("artifacts_conform") or []
    files = [_file(config, text) for text in asked]
    config.stash[_FILES] = [*named, *files]
    config.stash[_OPENED] = set()
    # Whoever names tests on the command line wants only those, no file of the ini key.
    # (A worker of xdist is given the arguments that were made here.)
    source = getattr(config, "args_source", None)
    if source is None or source.name != "ARGS":
        files += named
    config.stash[_LISTED] = files
    # Of a folder and a file in it pytest 8 collects only the file, 9 the folder.
    folders = [config.invocation_params.dir / each for each in config.args]
    config.args += [
        str(path)
        for path in files
        if not any(path == each or each in path.parents for each in folders)
    ]


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the Julia that was asked."""
    if _ORACLE in config.stash:
        config.stash[_ORACLE].close()


@pytest.hookimpl(wrapper=True)
def pytest_ignore_collect(
    collection_path: Path, config: pytest.Config
) -> Generator[None, bool | None, bool | None]:
    """Enter a folder that pytest would skip, only for the files to compare in it."""
    ignored = yield
    opened = config.stash[_OPENED]
    on_the_way = any(collection_path in each.parents for each in config.stash[_LISTED])
    if ignored and on_the_way:
        opened.add(collection_path)
        return False
    if on_the_way or collection_path in config.stash[_LISTED]:
        return ignored
    return True if not opened.isdisjoint(collection_path.parents) else ignored


def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> ConformFile | None:
    """Collect a file that is to be compared."""
    config = parent.config
    if file_path not in config.stash[_FILES]:
        return None
    from fetch_artifacts.conformance.pytest_items import ConformFile

    return ConformFile.from_parent(
        parent, path=file_path, oracle=_oracle(config), platforms=_platforms(config)
    )


@pytest.fixture(scope="session")
def julia_oracle(pytestconfig: pytest.Config) -> Julia:
    """Real Julia to ask, on the depots that this process has at each question.

    A `fetch_artifacts.conformance.questions.Julia`. Without a Julia the test fails, or
    is skipped with --artifacts-conform-optional.
    """
    return _oracle(pytestconfig).julia()


@pytest.fixture
def artifact_depot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty depot, the only one of Python and of `julia_oracle` in this test."""
    depot = tmp_path / "depot"
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(depot))
    yield depot
    _make_deletable(depot)


def teller(config: pytest.Config) -> Callable[[str], None]:
    """Give what prints a line among the test results; in a worker of xdist, nothing."""

    def tell(text: str) -> None:
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        capture = config.pluginmanager.get_plugin("capturemanager")
        if reporter is None:
            return
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            reporter.ensure_newline()
            reporter.write_line(text)

    return tell


def _make_deletable(depot: Path) -> None:
    if depot.is_dir():
        from fetch_artifacts.files.removing import remove_tree

        remove_tree(depot)


def _file(config: pytest.Config, text: str) -> Path:
    if text:
        from fetch_artifacts.files.paths import absolute

        here = config.invocation_params.dir
        path = Path(absolute(here / text))
        if not path.is_file():
            msg = (
                f"--artifacts-conform: expected an Artifacts.toml, found no {text}; "
                "write --artifacts-conform=FILE, or --artifacts-conform last"
            )
            raise pytest.UsageError(msg)
        return path
    from fetch_artifacts.artifacts_toml.search import find_artifacts_toml

    found = find_artifacts_toml(config.rootpath)
    if found is None:
        msg = (
            f"--artifacts-conform: found no Artifacts.toml in {config.rootpath} or "
            "above it; name one: --artifacts-conform=FILE"
        )
        raise pytest.UsageError(msg)
    return found


def _platforms(config: pytest.Config) -> list[str]:
    asked = config.getoption("artifacts_conform_platform") or []
    return [*asked, *config.getini("artifacts_conform_platforms")]


def _oracle(config: pytest.Config) -> Oracle:
    if _ORACLE not in config.stash:
        from fetch_artifacts.conformance.pytest_items import Oracle

        config.stash[_ORACLE] = Oracle(
            config.getoption("artifacts_julia"),
            optional=config.getoption("artifacts_conform_optional"),
            tell=teller(config),
        )
    return config.stash[_ORACLE]
