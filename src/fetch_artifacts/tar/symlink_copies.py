"""Copies that stand for symbolic links, where there can't be any (extract.jl:137-207).

Only a link to something inside the tree becomes a copy. One that leaves the tree, leads
nowhere or in a circle, or to a folder that it is in, is left out, as Tar.jl does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from fetch_artifacts.git_tools.memory_tree import Place, symlink_target, symlinks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from fetch_artifacts.git_tools.memory_tree import Folder, PlaceKey

    # Asks for the ends of links, and gives the end of one.
    _Steps: TypeAlias = "Generator[Place, Place | None, Place | None]"

_LINK_BYTES: Final = 640  # of memory for each link, beside its path and what it names
_PLACE_BYTES: Final = 200  # for each folder


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
    sources = _sources(root, hold)
    nearest = _Nearest(sources)
    for source in sources.values():
        for place in (source.place, *(place for _, place in source.copies)):
            if outer := nearest.above(place):
                outer.missing += 1
    ready = [source for source in sources.values() if not source.missing]
    plan = []
    for source in ready:  # the list grows while it is walked
        plan += [(path, source.path) for path, _ in source.copies]
        for place in (source.place, *(place for _, place in source.copies)):
            if outer := nearest.above(place):
                outer.missing -= 1
                if not outer.missing:
                    ready.append(outer)
    return plan


def _sources(
    root: Folder, hold: Callable[[bytes, int], None]
) -> dict[PlaceKey, _Source]:
    """What links lead to, with the links."""
    sources: dict[PlaceKey, _Source] = {}
    links = _Links()
    for path, place in symlinks(root, lambda folder: hold(folder, _PLACE_BYTES)):
        hold(path, _LINK_BYTES + len(path))
        end = links.end(place)
        if end is None:
            continue
        source = sources.get(end.key) or _Source(end, end.path)
        if source.path and not (path + b"/").startswith(source.path + b"/"):
            hold(path, len(source.path))
            sources[end.key] = source
            source.copies.append((path, place))
    return sources


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


class _Source:
    """What copies are made from.

    Attributes:
        place: Where it is.
        path: The same as a path.
        copies: The path and the place of each link that leads here.
        missing: How many copies and sources right inside are not complete; those
            inside an inner source are counted there.
    """

    def __init__(self, place: Place, path: bytes) -> None:
        self.place = place
        self.path = path
        self.copies: list[tuple[bytes, Place]] = []
        self.missing = 0


class _Nearest:
    """The innermost source that a place is in, for each folder found once."""

    def __init__(self, sources: dict[PlaceKey, _Source]) -> None:
        self._sources = sources
        self._known: dict[PlaceKey, _Source | None] = {}

    def above(self, place: Place) -> _Source | None:
        """The innermost source that this is in, and not itself."""
        passed, found = [], None
        here = place.above
        while here is not None:
            key = here.key
            found = self._sources.get(key) or self._known.get(key)
            if found is not None or key in self._known:
                break
            passed.append(key)
            here = here.above
        self._known.update(dict.fromkeys(passed, found))
        return found


class _Links:
    """The links of a tree, each followed once."""

    def __init__(self) -> None:
        self._ends: dict[PlaceKey, Place | None] = {}

    def end(self, link: Place) -> Place | None:
        """What a link leads to in the end, None if not in the tree.

        The links on its way are followed before, without recursion.
        """
        ends = self._ends
        followed: list[tuple[PlaceKey, _Steps]] = []
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

    def _steps(self, link: Place) -> _Steps:
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
            place = Place(place, name, node)
            if symlink_target(node) is not None:
                place = yield place
        ends_like_folder = target.rpartition(b"/")[2] in {b"", b"."}
        if place and ends_like_folder and not isinstance(place.node, dict):
            return None
        return place
