"""Copies that stand for symbolic links, where there can't be any (extract.jl:137-207).

Only a link to something inside the tree becomes a copy. One that leaves the tree, leads
nowhere or in a circle, or to a folder that it is in, is left out, as Tar.jl does.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from fetch_artifacts.member_tree import symlink_target, symlinks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetch_artifacts.member_tree import Folder, Node

# Links that lead to links that lead to ...; Linux gives up at the same number.
_LONGEST_CHAIN: Final = 40


def plan_copies(root: Folder) -> list[tuple[bytes, bytes]]:
    """Give the path of each link and what to copy there, in an order that works.

    A folder is copied once all copies inside it are made. Copies that wait for each
    other in a circle are left out.
    """
    copies: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for path, _ in symlinks(root):
        source = _resolve(root, path)
        if source and source != path and source not in _ancestors(path):
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


def _all_ancestors(paths: list[bytes], among: dict[bytes, int]) -> Iterator[bytes]:
    for path in paths:
        for ancestor in _ancestors(path):
            if ancestor in among:
                yield ancestor


def _ancestors(path: bytes) -> Iterator[bytes]:
    while path := path.rpartition(b"/")[0]:
        yield path


def _resolve(root: Folder, path: bytes) -> bytes | None:
    """The path of what a link leads to in the end, None if it is not in the tree."""
    trail: list[tuple[bytes, Node]] = [(b"", root)]
    todo = path.split(b"/")[::-1]
    links = 0
    while todo:
        name = todo.pop()
        here = trail[-1][1]
        if not isinstance(here, dict) or (name == b".." and len(trail) == 1):
            return None
        if name == b"..":
            trail.pop()
        elif name not in {b"", b"."}:
            node = here.get(name)
            if node is None:
                return None
            target = symlink_target(node)
            if target is None:
                trail.append((name, node))
                continue
            links += 1
            if links > _LONGEST_CHAIN or target.startswith(b"/"):
                return None
            todo += target.split(b"/")[::-1]
    return b"/".join(name for name, _ in trail[1:])
