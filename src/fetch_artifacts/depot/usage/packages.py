"""What stands for an Artifacts.toml that is gone when the program ends.

The Artifacts.toml of a package in an archive (a zip, a wheel, a frozen program) is
unpacked to a new temporary file for each run (``importlib.resources.as_file``). A usage
log with such paths grows by one at each run, and gc soon deletes what they name. So the
log gets a copy of the file instead, in the depot's ``logs`` folder, one for each
archive and content. The copy names the archive, and counts as long as that is there
and unchanged; gc removes it afterwards.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.artifacts_toml.search import archive_of
from fetch_artifacts.files.paths import absolute, make_folders

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDS: Final = "fetch_artifacts_packages"
"""The folder of the copies, in a depot's ``logs``."""

_PACKAGE: Final = __name__.partition(".")[0]
_HEADER: Final = "# For gc, in place of a temporary file of the package in "
_TEMPORARY: Final = (
    r"tmp[a-z0-9_]{8}|\.fetch-artifacts-"  # of `tempfile`, and `scratch`
)


def stable_record(depot: str, toml: str) -> str | None:
    """Give the copy that stands for a temporary Artifacts.toml; made if missing.

    Args:
        depot: The depot.
        toml: The Artifacts.toml, as an absolute path.

    Returns:
        Its path; None where the file may stay, or no copy can be made.
    """
    archive = _calling_archive()
    if archive is None or not _is_temporary(toml):
        return None
    import hashlib
    import json

    from fetch_artifacts.files.writing import write_atomically

    with contextlib.suppress(OSError, ValueError):
        header = f"{_HEADER}{json.dumps([archive, *_stamp(archive)])}\n".encode()
        content = header + Path(toml).read_bytes()
        name = hashlib.sha256(content).hexdigest()[:40]
        record = Path(depot, "logs", RECORDS, f"{name}.toml")
        if not record.exists():
            make_folders(record.parent)
            write_atomically(record, content, shared=True)
        return str(record)
    return None


def is_outdated(path: str) -> bool:
    """Whether a logged file is such a copy, and its archive is gone or replaced."""
    if os.path.basename(os.path.dirname(path)) != RECORDS:
        return False
    try:
        with open(path, encoding="utf-8") as file:
            line = file.readline(1 << 16)
    except (OSError, ValueError):
        return False
    if not line.startswith(_HEADER):
        return False
    import json

    try:
        archive, *stamp = json.loads(line.removeprefix(_HEADER))
        return tuple(stamp) != _stamp(archive)
    except FileNotFoundError:
        return True
    except (OSError, ValueError, TypeError):
        return False  # what can't be judged is kept


def _stamp(archive: str) -> tuple[int, int]:
    status = os.stat(archive)
    return status.st_size, status.st_mtime_ns


def _is_temporary(toml: str) -> bool:
    import tempfile

    bundle = getattr(sys, "_MEIPASS", None)  # where PyInstaller unpacks a program
    if bundle and toml.startswith(os.path.join(bundle, "")):
        return True
    for folder in {tempfile.gettempdir(), os.path.realpath(tempfile.gettempdir())}:
        inner = toml.removeprefix(os.path.join(folder, ""))
        if inner != toml:
            return re.match(_TEMPORARY, inner) is not None
    return False


def _calling_archive() -> str | None:
    """The archive that the calling code is in, None if it is in files."""
    if getattr(sys, "frozen", False):
        return sys.executable
    for names in _callers():
        archive = archive_of(names)
        if archive is not None:
            return absolute(archive)
    return None


def _callers() -> Iterator[dict[str, Any]]:
    """The names of the modules whose code is running, innermost first."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] != _PACKAGE:
            yield frame.f_globals
        frame = frame.f_back  # type: ignore[assignment] # None ends the loop
