"""A text editor changes an Artifacts.toml in a loop while processes bind in it."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import tomli

from fetch_artifacts import pkg_artifacts
from stress.scene import check, fork

PROCESSES = 3
BINDS = 80  # by each
EDITS = 240
HASH = "0" * 40


def main() -> None:
    """Bind, edit, and count what is lost of either."""
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        toml = Path(name, "Artifacts.toml")
        toml.write_text("# written by hand\n")

        def bind(process: int) -> None:
            for number in range(BINDS):
                pkg_artifacts.bind_artifact(toml, f"bound-{process}-{number}", HASH)

        pids = [fork(lambda p=p: bind(p)) for p in range(PROCESSES)]  # type: ignore[misc]
        for number in range(EDITS):
            edit(toml, number)
            time.sleep(0.01)
        codes = [os.waitpid(pid, 0)[1] for pid in pids]
        found = tomli.loads(toml.read_text("utf-8"))
        edits = sum(f"edit-{number}" in found for number in range(EDITS))
        bound = sum(key.startswith("bound-") for key in found)
        lost = EDITS - edits
        print(
            f"  {lost} of {EDITS} edits lost, {bound} of {PROCESSES * BINDS} bindings"
        )
        check("all binds succeed", kept=not any(codes))
        # One that is saved right between the last look and the rename is.
        check("an edit is lost by rare chance only", kept=lost <= EDITS // 50)


def edit(toml: Path, number: int) -> None:
    """Add a line as an editor does that looks at the file again before it saves."""
    while True:
        before = toml.read_text()
        new = toml.with_name("Artifacts.toml~")
        new.write_text(f'edit-{number} = {{git-tree-sha1 = "{HASH}"}}\n{before}')
        if toml.read_text() == before:
            new.replace(toml)
            return
