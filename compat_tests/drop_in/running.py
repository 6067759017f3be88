"""The cases, and what runs them."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from pathlib import Path

import fetch_artifacts
from compat_tests.drop_in import making, using

CASES: dict[str, Callable[[Path], object]] = {
    name: value
    for module in (using, making)
    for name, value in vars(module).items()
    if getattr(value, "__module__", "") == module.__name__ and name[0] != "_"
}


def run(root: Path) -> dict[str, object]:
    """Run each case in a new folder, and give what it gives.

    The first one is about a cache that nobody has chosen; later ones have their own.
    """
    answers: dict[str, object] = {"__all__": fetch_artifacts.__all__}
    for name, case in CASES.items():
        folder = root / name
        folder.mkdir()
        os.environ["HOME"] = os.environ["USERPROFILE"] = str(folder)
        os.chdir(folder)
        if len(answers) > 1:
            fetch_artifacts.set_cache_dir(folder / "cache")
        with contextlib.redirect_stdout(io.StringIO()):
            answers[name] = case(folder)
    return answers
