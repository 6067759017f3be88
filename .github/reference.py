"""Writes the reference of the API: `nox -s docs`, which names the folder to write.

sphinx with autodoc reads it from the docstrings. (pdoc evaluates every annotation, and
so stumbles over the names that this package imports for type checkers alone.)
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

from sphinx.cmd.build import build_main

TOP = "fetch_artifacts"
FACES = (
    TOP,
    "fetch_artifacts.pkg_artifacts",
    "fetch_artifacts.platforms",
    "fetch_artifacts.tarball",
    "fetch_artifacts.julia_toml",
    "fetch_artifacts.errors",
)
SETTINGS = {
    "project": "fetch-artifacts",
    "extensions": "sphinx.ext.autodoc,sphinx.ext.napoleon",
    "napoleon_use_ivar": "1",
    "default_role": "py:obj",
    "html_theme": "alabaster",
    "autodoc_member_order": "groupwise",
}


def told_elsewhere() -> list[str]:
    """Names that another face has too; each gets one place, so that links are clear."""
    others = [importlib.import_module(face) for face in FACES[1:]]
    top = importlib.import_module(TOP)
    return [
        name
        for name in top.__all__
        if any(getattr(top, name) is getattr(other, name, None) for other in others)
    ]


def main() -> None:
    """Write the pages into the folder named; a warning is an error."""
    with tempfile.TemporaryDirectory() as folder:
        for face in FACES:
            title = f"{face}\n{'=' * len(face)}\n"
            body = f"\n.. automodule:: {face}\n   :members:\n"
            if face == TOP:
                body += f"   :exclude-members: {', '.join(told_elsewhere())}\n"
            Path(folder, f"{face}.rst").write_text(title + body, "utf-8")
        entries = "".join(f"   {face}\n" for face in FACES)
        index = f"fetch-artifacts\n===============\n\n.. toctree::\n\n{entries}"
        Path(folder, "index.rst").write_text(index, "utf-8")
        options = [each for k, v in SETTINGS.items() for each in ("-D", f"{k}={v}")]
        sys.exit(
            build_main(["-C", "-W", "--keep-going", *options, folder, sys.argv[1]])
        )


if __name__ == "__main__":
    main()
