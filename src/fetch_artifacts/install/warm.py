"""Look-ups that were answered before, as long as nothing they rest on has changed.

An answer rests on the Artifacts.toml, and on the ``artifacts`` folder of each depot: as
long as a folder's time stamps stay, no tree and no Overrides.toml came or went there.
So one stat of each is enough. An answer is not kept if it rests on more: an
Overrides.toml, which may be edited in place; a link, whose target may go; the platform.
Stamps that are too young are not trusted, see `files.remembered`.
"""

from __future__ import annotations

import math
import os
import stat
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

from fetch_artifacts.artifacts_toml.file import FILES
from fetch_artifacts.depot.overrides import OVERRIDES_TOML
from fetch_artifacts.depot.stack import DepotStack
from fetch_artifacts.depot.usage.log import marked_until
from fetch_artifacts.files.remembered import Remembered

if TYPE_CHECKING:
    from pathlib import Path

_AT_MOST: Final = 1024  # answers


class _Folder:
    """An ``artifacts`` folder as it was: another object as soon as it changes."""

    __slots__ = ("has_overrides",)

    def __init__(self, path: str) -> None:
        # A link that leads nowhere counts: what it leads to may come.
        self.has_overrides = os.path.lexists(os.path.join(path, OVERRIDES_TOML))


class _Answer(NamedTuple):
    stack: DepotStack
    file: object
    folders: tuple[tuple[str, _Folder | None], ...]  # None: there is none
    until: float  # when the use has to be logged again, by the monotonic clock
    path: Path


_FOLDERS: Final = Remembered(_Folder, at_most=256)
_answers: Final[dict[tuple[str, str], _Answer]] = {}


def known_path(name: str, toml: str) -> Path | None:
    """Give the path that was found before, None where it has to be looked for.

    Args:
        name: The artifact, with or without a path inside it.
        toml: The Artifacts.toml, as an absolute path.
    """
    answer = _answers.get((name, toml))
    if answer is None or answer.stack != DepotStack.present():
        return None
    if FILES.get(toml) is not answer.file or monotonic() >= answer.until:
        return None
    for path, before in answer.folders:
        if before is None:
            if os.access(path, os.F_OK):  # half the time of a stat that fails
                return None
        elif _FOLDERS.get(path) is not before:
            return None
    return answer.path


class Watch:
    """What an answer rests on, as it is before the answer is looked for.

    Args:
        name: What is asked for: an artifact, with or without a path inside it.
        toml: The Artifacts.toml, as an absolute path.
    """

    def __init__(self, name: str, toml: str) -> None:
        self._asked = name, toml
        self._stack = DepotStack.present()
        self._file = FILES.get(toml)
        self._folders = tuple(
            (path, _FOLDERS.get(path) if os.access(path, os.F_OK) else None)
            for path in self._stack.folders
        )

    def keep(self, answer: Path, tree: Path) -> None:
        """Keep an answer, if it holds until one of these changes.

        Args:
            answer: The answer.
            tree: The folder of the artifact, which is the answer or above it.
        """
        if any(folder and folder.has_overrides for _, folder in self._folders):
            return
        # A folder made since then is not watched, so its removal would go unnoticed.
        if not any(
            folder and path == str(tree.parent) for path, folder in self._folders
        ):
            return
        try:
            if not stat.S_ISDIR(os.lstat(tree).st_mode):
                return
        except OSError:
            return
        if len(_answers) >= _AT_MOST:
            _answers.clear()
        root, toml = self._stack.root, self._asked[1]
        until = math.inf if root is None else marked_until(root, toml)
        _answers[self._asked] = _Answer(
            self._stack, self._file, self._folders, until, answer
        )
