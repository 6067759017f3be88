"""Which modules the package loads, and when: each one is paid for at every start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fetch_artifacts
from support.published import TREE_HASH, publish

# What the package itself loads, and the command before it answers Ctrl-C, at once.
AT_ONCE = ["_version", "cli", "julia_process"]

# What `from fetch_artifacts import artifact` loads of this package. Whoever adds a name
# here has measured what it costs, in CPU time and in turns with the state before.
IMPORTED = [
    "_api",
    "_version",
    "artifacts_toml",
    "artifacts_toml.choosing",
    "artifacts_toml.entry",
    "artifacts_toml.file",
    "artifacts_toml.place",
    "artifacts_toml.search",
    "artifacts_toml.shipped",
    "artifacts_toml.slash",
    "depot",
    "depot.artifacts",
    "depot.installed",
    "depot.overrides",
    "depot.package_overrides",
    "depot.stack",
    "depot.usage",
    "depot.usage.log",
    "digests",
    "errors",
    "files",
    "files.paths",
    "files.regular",
    "files.remembered",
    "files.toml_text",
    "install",
    "install.lookup",
    "install.warm",
    "julia_process",
    "julia_toml",
    "julia_toml.julia_text",
    "julia_toml.reader",
    "julia_toml.scalars",
    "platforms",
    "platforms.host",
    "settings",
    "settings.depot_path",
    "settings.project",
    "settings.user",
]

# What the first look-up of an installed artifact loads besides.
LOOKED_UP = ["depot.usage.entries", "depot.usage.packages"]

# What neither of them needs of the standard library and of what this package stands on;
# `dataclasses` and `logging` alone took a third of the time.
HEAVY = {
    "backports.zstd",
    "bz2",
    "click",
    "compression.zstd",
    "concurrent.futures",
    "dataclasses",
    "deflate",
    "hashlib",  # OpenSSL
    "inspect",
    "json",
    "logging",
    "lzma",
    "requests",
    "subprocess",
    "tempfile",
    "tqdm",
    "zlib_ng",
}

FIRST = """
import sys
before = set(sys.modules)
from fetch_artifacts import artifact
imported = set(sys.modules) - before
print(*sorted(imported))
"""
THEN = """
from fetch_artifacts.depot.usage import log
log._NEW_FOR = 0  # else a file that was only just written is logged under a lock
print(artifact("Demo", sys.argv[1]).name)
print(*sorted(set(sys.modules) - before - imported))
"""


def own(modules: list[str]) -> list[str]:
    """The modules of this package, by what follows its name."""
    start = "fetch_artifacts."
    return sorted(name.removeprefix(start) for name in modules if start in name)


def lines(code: str, *arguments: str) -> list[list[str]]:
    """The words of each line that a new Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.split() for line in done.stdout.splitlines()]


def test_the_command_answers_ctrl_c_before_it_loads_anything() -> None:
    code = FIRST.replace(
        "from fetch_artifacts import artifact", "import fetch_artifacts.cli"
    )
    (loaded,) = lines(code)
    assert own(loaded) == AT_ONCE
    assert set(loaded) - {"__future__"} == {f"fetch_artifacts.{n}" for n in AT_ONCE} | {
        "fetch_artifacts"
    }


def test_every_public_name_is_imported_on_first_use() -> None:
    code = (
        "import fetch_artifacts as f; print(*dir(f)); [getattr(f, n) for n in dir(f)]"
    )
    (names,) = lines(code)
    assert set(names) >= {*fetch_artifacts.__all__, "errors", "platforms", "tarball"}


def test_to_import_a_name_loads_these_modules_and_no_others() -> None:
    (loaded,) = lines(FIRST)
    assert sorted(IMPORTED) == own(loaded)
    assert not HEAVY & set(loaded)


def test_to_look_up_an_installed_artifact_loads_two_more(
    tmp_path: Path, depot: Path
) -> None:
    toml = publish(tmp_path / "package").toml
    (depot / "artifacts" / TREE_HASH).mkdir(parents=True)
    lines(FIRST + THEN, str(toml))  # logs the use
    _, (name,), loaded = lines(FIRST + THEN, str(toml))
    assert name == TREE_HASH
    assert sorted(LOOKED_UP) == own(loaded)
    assert not HEAVY & set(loaded)
