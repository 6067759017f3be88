"""PyInstaller's hook for fetch_artifacts.

Commands and rare names are imported by name, and tomli's compiled part is a module
whose name no source has.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

_EXTRAS = ("integrations", "conformance")


def _is_wanted(module: str) -> bool:
    return not any(module.startswith(f"fetch_artifacts.{each}") for each in _EXTRAS)


def _compiled_parts(distribution: str) -> list[str]:
    """The compiled modules at the top of a distribution's files."""
    try:
        found = files(distribution) or []
    except PackageNotFoundError:
        return []
    return [
        file.name.partition(".")[0]
        for file in found
        if len(file.parts) == 1 and file.suffix in {".so", ".pyd"}
    ]


hiddenimports = [
    *collect_submodules("fetch_artifacts", filter=_is_wanted),
    *collect_submodules("tomli"),
    *_compiled_parts("tomli"),
]
datas = collect_data_files("fetch_artifacts", includes=["**/*.jl"])
