"""Copies that stand for symbolic links, where there can't be any (extract.jl:137-207).

Only a link to something inside the tree becomes a copy. One that leaves the tree, leads
nowhere or in a circle, or to a folder that it is in, is left out, as Tar.jl does.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from fetch_artifacts.git_tools.memory_tree import symlink_target, symlinks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from fetch_artifacts.git_tools.memory_tree import Folder, Node

    # The id of the folder that a place is in, and its name.
    _Key: TypeAlias = tuple[int, bytes]
    # Asks for the ends of links, and gives the end of one.
    _Steps: TypeAlias = "Generator[_Place, _Place | None, _Place | None]"

_LINK_BYTES: Final = 640  # of memory for each link, beside its path and what it names


def plan_copies(
    root: Folder, hold: Callable[[bytes, int], None]
) -> list[tuple[bytes, bytes]]:
    """Give the path of each link and what to copy there, in an order that works.

    A folder is copied once all copies inside it are made. Copies that wait for each
    other in a circle are left out.

    Args:
        root: The tree.
        hold: Charges memory for a link: its path and how many bytes.
    """
    copies: defaultdict[bytes, list[bytes]] = defaultdict(list)
    links = _Links(root)
    for path, _ in symlinks(root):
        hold(path, _LINK_BYTES + len(path))
        source = links.end(path)
        if source and not (path + b"/").startswith(source + b"/"):
            hold(path, len(source))
            copies[source].append(path)
    missing = dict.fromkeys(copies, 0)  # how many copies are still to come inside
    for paths in copies.values():
        for ancestor in _all_ancestors(paths, missing):
            missing[ancestor] += 1
    ready = [source for source, count in missing.items() if not count]
    plan = []
    for source in ready:  # the list grows while it is walked
        plan += [(path, source) for path in copies[source]]
        for ancestor in _all_ancestors(copies[source], missing):
            missing[ancestor] -= 1
            if not missing[ancestor]:
                ready.append(ancestor)
    return plan


def with_copies(root: Folder, plan: list[tuple[bytes, bytes]]) -> None:
    """Put copies in the place of links in memory as well, and take the others out.

    Args:
        root: The tree.
        plan: What `plan_copies` gave for it.
    """
    planned = {path for path, _ in plan}
    for path in [path for path, _ in symlinks(root) if path not in planned]:
        folder, name = _inside(root, path)
        del folder[name]
    for path, source in plan:
        folder, name = _inside(root, path)
        above, original = _inside(root, source)
        folder[name] = above[original]


def _inside(root: Folder, path: bytes) -> tuple[Folder, bytes]:
    """The folder that a path ends in, and the last name."""
    *above, name = path.split(b"/")
    folder = root
    for each in above:
        folder = folder[each]  # type: ignore[assignment] # a folder, as members are in it
    return folder, name


def _all_ancestors(paths: list[bytes], among: dict[bytes, int]) -> Iterator[bytes]:
    for path in paths:
        for ancestor in _ancestors(path):
            if ancestor in among:
                yield ancestor


def _ancestors(path: bytes) -> Iterator[bytes]:
    while path := path.rpartition(b"/")[0]:
        yield path


class _Links:
    """The links of a tree, each followed once."""

    def __init__(self, root: Folder) -> None:
        self._top = _Place(None, b"", root)
        self._ends: dict[_Key, _Place | None] = {}

    def end(self, path: bytes) -> bytes | None:
        """The path of what a link leads to in the end, None if not in the tree."""
        place = self._top
        for name in path.split(b"/"):
            place = _Place(place, name, place.folder[name])
        end = self._follow(place)
        return end and end.path

    def _follow(self, link: _Place) -> _Place | None:
        """Follow a link, and before that the links on its way, without recursion."""
        ends = self._ends
        followed: list[tuple[_Key, _Steps]] = []
        while True:
            if link.key in ends:
                end = ends[link.key]
            else:
                ends[link.key] = end = None  # for one that comes back to itself
                followed.append((link.key, self._steps(link)))
            asked = None
            while followed and not asked:
                key, steps = followed[-1]
                try:
                    asked = steps.send(end)
                except StopIteration as finished:
                    ends[key] = end = finished.value
                    followed.pop()
            if not asked:
                return end
            link = asked

    def _steps(self, link: _Place) -> _Steps:
        """Go where a link leads; asks where each other link on the way leads.

        As in Tar.jl, ``..`` goes back from a file as well (extract.jl:200).
        """
        target = symlink_target(link.node) or b""
        if target.startswith(b"/"):
            return None
        place = link.above
        for name in target.split(b"/"):
            if name in {b"", b"."} or place is None:
                continue
            if name == b"..":
                place = place.above
                continue
            node = place.folder.get(name)
            if node is None:
                return None
            place = _Place(place, name, node)
            if symlink_target(node) is not None:
                place = yield place
        ends_like_folder = target.rpartition(b"/")[2] in {b"", b"."}
        if place and ends_like_folder and not isinstance(place.node, dict):
            return None
        return place


class _Place(NamedTuple):
    """A place in the tree, with the way to it."""

    above: _Place | None
    name: bytes
    node: Node

    @property
    def folder(self) -> Folder:
        """What is in here; nothing in a file."""
        return self.node if isinstance(self.node, dict) else {}

    @property
    def key(self) -> _Key:
        """What tells this place from others."""
        return id(self.above and self.above.node), self.name

    @property
    def path(self) -> bytes:
        """The names on the way, with slashes."""
        names = []
        place: _Place | None = self
        while place and place.above:
            names.append(place.name)
            place = place.above
        return b"/".join(reversed(names))
