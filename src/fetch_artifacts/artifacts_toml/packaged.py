"""Whether a Python package will find the file that its project has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fetch_artifacts.files.toml_text import parse_toml

if TYPE_CHECKING:
    from pathlib import Path

_BUILD_TABLES = ("hatch", "setuptools", "poetry", "pdm", "uv", "flit", "scikit-build")


def unpackaged_from(toml: Path) -> Path | None:
    """Give the folder of the package that will lack this file in its wheel.

    That is so where the file is in a project with a package, but not in the package's
    folder, and no build tool is told to put it there.

    Args:
        toml: The Artifacts.toml, as an absolute path.

    Returns:
        The folder of the package, None where there is nothing to warn of.
    """
    project = next(
        (each for each in toml.parents if (each / "pyproject.toml").is_file()), None
    )
    if project is None:
        return None
    try:
        table = parse_toml((project / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    package = _package_folder(project, table)
    if package is None or package == toml.parent or package in toml.parents:
        return None
    tools = table.get("tool", {})
    told = [tools[name] for name in _BUILD_TABLES if name in tools]
    return None if toml.name in str(told) else package


def _package_folder(project: Path, table: dict[str, Any]) -> Path | None:
    name = table.get("project", {}).get("name")
    if not isinstance(name, str):
        return None
    module = re.sub(r"[-_.]+", "_", name).lower()
    candidates = (project / "src" / module, project / module)
    return next((each for each in candidates if (each / "__init__.py").is_file()), None)
