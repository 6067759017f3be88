"""Artifacts.toml files in an archive that code is imported from, as of a zipapp.

Julia has no such packages. The file is found inside the archive as it would be found in
folders, and unpacked to a folder that is there until the program ends.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.artifacts_toml.search import (
    ARTIFACTS_TOML_NAMES,
    PROJECT_NAMES,
    archive_of,
    loader_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_unpacked: Final[dict[tuple[str, str], str]] = {}  # by archive and folder in it
_unpacking: Final = threading.Lock()


def toml_in_archive(module: Mapping[str, Any]) -> str | None:
    """Give a copy of the Artifacts.toml that a module in an archive belongs to.

    Args:
        module: The module's global names.

    Returns:
        Its absolute path; None where the module is in no archive, or where that has no
        such file in the module's folder or above, up to a Project.toml.

    Raises:
        DepotError: There is no place for temporary files, or it is full.
    """
    archive, file = archive_of(module), module.get("__file__")
    if archive is None or not isinstance(file, str):
        return None
    folder = os.path.dirname(file.removeprefix(os.path.join(archive, "")))
    with _unpacking:
        path = _unpacked.get((archive, folder))
        if path is None or not os.path.isfile(path):  # old files in /tmp are cleared
            found = _find(folder, loader_of(module))
            if found is None:
                return None
            path = _unpacked[archive, folder] = _unpack(found)
    return path


def _find(folder: str, archive: Any) -> dict[str, bytes] | None:
    """Find what counts for a folder of an archive, by the rules of `search`.

    Returns:
        The content of the Artifacts.toml by its name, and of the Project.toml in its
        folder or above, if any.
    """
    found: dict[str, bytes] = {}
    for parent in _upwards(folder):
        found = found or _first_of(ARTIFACTS_TOML_NAMES, parent, archive)
        if project := _first_of(PROJECT_NAMES, parent, archive):
            return {**found, **project} if found else None
    return found or None


def _upwards(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = os.path.dirname(folder)
    yield ""


def _first_of(names: tuple[str, ...], folder: str, archive: Any) -> dict[str, bytes]:
    for name in names:
        try:
            return {name: archive.get_data(os.path.join(folder, name))}
        except OSError:
            continue
    return {}


def _unpack(files: Mapping[str, bytes]) -> str:
    """Write files to a folder of this process, and give the path of the first."""
    import atexit
    from contextlib import ExitStack

    from fetch_artifacts.files.scratch import naming_the_place, scratch_folder

    stack = ExitStack()
    folder = str(stack.enter_context(scratch_folder()))
    atexit.register(stack.close)
    paths = [os.path.join(folder, name) for name in files]
    with naming_the_place():
        for path, content in zip(paths, files.values(), strict=True):
            with open(path, "wb") as file:
                file.write(content)
    return paths[0]
