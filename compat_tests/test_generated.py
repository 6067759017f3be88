"""Julia and we agree on whatever hypothesis comes up with, a batch at a time.

The profile ``live`` makes a thousand cases of each kind; ``--hypothesis-profile=deep``
makes 20,000.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from fetch_artifacts import julia_toml, tarball, tree_hash
from fetch_artifacts.conformance.questions import Answer, Julia
from fetch_artifacts.errors import FetchArtifactsError, JuliaThrewError
from fetch_artifacts.platforms import Platform, platforms_match, select_platform
from support import archives
from support.trees import Link, Tree, make_tree

REFUSED = "refused"
LEAST, MOST = 10, 12  # cases in a batch; more exceed what hypothesis draws at once

Nested: TypeAlias = "dict[str, Any]"


def batches(cases: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(cases, min_size=LEAST, max_size=MOST)


def value(answer: Answer) -> str:
    """The one value of an answer, "" for nothing."""
    if isinstance(answer, JuliaThrewError):
        return REFUSED
    return answer[0] if answer else ""


# Trees: names that sort around each other, bytes, modes, links, empty folders, .git.
NAMES = st.one_of(
    st.sampled_from(["a", "a.b", "a0", "a-", "b", ".git", "A", "é", "e\u0301", "x y"]),
    st.text(
        st.characters(exclude_characters="/\0", exclude_categories=["Cs"]),
        min_size=1,
        max_size=8,
    ).filter(lambda name: name not in {".", ".."}),
)
LEAVES = st.one_of(
    st.tuples(st.binary(max_size=40), st.sampled_from([0o644, 0o755, 0o600, 0o654])),
    st.sampled_from(["a", "..", "nowhere", "tärget", "a/b", "日本"]).map(Link),
    st.none(),
)
TREES = st.recursive(
    LEAVES, lambda inner: st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
).filter(lambda tree: isinstance(tree, dict))


def flat(tree: Nested, above: str = "") -> Tree:
    """The tree as ``{"path": content}``."""
    paths: Tree = {}
    for name, content in tree.items():
        if isinstance(content, dict):
            paths[above + name] = None
            paths |= flat(content, f"{above}{name}/")
        else:
            paths[above + name] = content
    return paths


@given(trees=batches(TREES))
def test_tree_hashes(julia: Julia, tmp_path: Path, trees: list[Nested]) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        paths = [
            make_tree(Path(folder, str(number)), flat(tree))
            for number, tree in enumerate(trees)
        ]
        answers = julia.ask_all([("tree_hash", path) for path in paths])
        for tree, path, answer in zip(trees, paths, answers, strict=True):
            assert value(answer) == str(tree_hash(path)), tree


# TOML: every kind of value that Julia writes, and odd strings.
STRINGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
SCALARS = st.one_of(
    STRINGS,
    st.booleans(),
    st.integers(min_value=-(2**63), max_value=2**63 - 1),
    st.floats(allow_nan=False),
)
TABLES = st.recursive(
    st.dictionaries(STRINGS, SCALARS, max_size=4),
    lambda inner: st.dictionaries(
        STRINGS, st.one_of(SCALARS, inner, st.lists(inner, max_size=3)), max_size=4
    ),
    max_leaves=8,
)
HEX = st.binary(min_size=20, max_size=20).map(bytes.hex)
WORDS = st.text("abAB09_-", min_size=1, max_size=6)
ENTRIES = st.fixed_dictionaries(
    {"git-tree-sha1": HEX},
    optional={
        "lazy": st.booleans(),
        "download": st.lists(
            st.fixed_dictionaries({"url": WORDS, "sha256": HEX}), min_size=1, max_size=3
        ),
    },
)


def same_text(julia: Julia, tables: list[Nested]) -> None:
    questions = [("print_toml", tomli_w.dumps(table)) for table in tables]
    for table, answer in zip(tables, julia.ask_all(questions), strict=True):
        assert value(answer) == julia_toml.dumps(table), table


@given(tables=batches(st.dictionaries(WORDS, ENTRIES, max_size=3)))
def test_text_of_artifacts(julia: Julia, tables: list[Nested]) -> None:
    same_text(julia, tables)


@pytest.mark.requires_julia("1.12")  # each older one escapes or sorts in its own way
@given(tables=batches(TABLES))
def test_text_of_any_table(julia: Julia, tables: list[Nested]) -> None:
    same_text(julia, tables)


# Platforms: near enough to each other to match now and then.
ENDINGS = (
    st.sampled_from(["", "-libgfortran3", "-libgfortran5"]),
    st.sampled_from(["", "-cxx03", "-cxx11"]),
    st.sampled_from(["", "-libstdcxx19", "-libstdcxx26"]),
    st.sampled_from(["", "-cuda+11.4", "-mpi+mpich", "-julia_version+1.10.4"]),
)
BASES = st.sampled_from(["x86_64-linux-gnu", "x86_64-linux-musl", "i686-linux-gnu"])
TRIPLETS = st.builds(lambda *parts: "".join(parts), BASES, *ENDINGS)
SPELLINGS = st.one_of(
    TRIPLETS,
    st.builds(
        lambda *parts: "-".join(part for part in parts if part),
        st.sampled_from(
            ["x86_64", "amd64", "arm64", "armv7l", "i386", "wasm32", "X86"]
        ),
        st.sampled_from(["", "unknown", "pc", "apple", "w64"]),
        st.sampled_from(["linux", "darwin20.1", "mingw32", "freebsd12", "Linux"]),
        st.sampled_from(["", "gnu", "musl", "gnueabihf", "foo"]),
        st.sampled_from(["", "cxx11", "libgfortran4-cxx03", "cxx11-libgfortran4"]),
    ),
    st.text("x86_4-linuxgnu+.", max_size=24),
)


def ours_triplet(text: str) -> str:
    try:
        return Platform.parse(text).triplet
    except FetchArtifactsError:
        return REFUSED


@pytest.mark.requires_julia("1.6")
@given(texts=batches(SPELLINGS))
def test_triplets(julia: Julia, texts: list[str]) -> None:
    answers = julia.ask_all([("triplet", text) for text in texts])
    for text, answer in zip(texts, answers, strict=True):
        assert value(answer) == ours_triplet(text), text


@pytest.mark.requires_julia("1.10")
@given(pairs=batches(st.tuples(TRIPLETS, TRIPLETS, st.booleans())))
def test_matching(julia: Julia, pairs: list[tuple[str, str, bool]]) -> None:
    questions = [
        ("platforms_match", a, f"host:{b}" if host else b) for a, b, host in pairs
    ]
    for (a, b, host), answer in zip(pairs, julia.ask_all(questions), strict=True):
        other = Platform.parse(b).as_host() if host else Platform.parse(b)
        ours = platforms_match(Platform.parse(a), other)
        assert value(answer) == str(ours).lower(), (a, b, host)


@pytest.mark.requires_julia("1.10")
@given(cases=batches(st.tuples(TRIPLETS, st.sets(TRIPLETS, min_size=1, max_size=6))))
def test_choosing(julia: Julia, cases: list[tuple[str, set[str]]]) -> None:
    questions = [("select_platform", want, *sorted(have)) for want, have in cases]
    for (want, have), answer in zip(cases, julia.ask_all(questions), strict=True):
        candidates = {Platform.parse(each): each for each in sorted(have)}
        ours = select_platform(candidates, Platform.parse(want))
        assert value(answer) == (ours or ""), (want, have)


# Archives: members that overlap, lead out, or come twice.
PATHS = st.lists(
    st.sampled_from(["a", "b", "..", ".", "é", ""]), min_size=1, max_size=3
)
MEMBER_PATHS = PATHS.map(lambda parts: "/".join(parts).encode())
MEMBERS = st.one_of(
    st.builds(archives.folder, MEMBER_PATHS),
    st.builds(archives.symlink, MEMBER_PATHS, st.sampled_from([b"a", b"..", b"b/c"])),
    st.builds(archives.hardlink, MEMBER_PATHS, MEMBER_PATHS),
    st.builds(
        archives.file,
        MEMBER_PATHS,
        st.sampled_from([b"", b"1", b"x" * 513]),
        st.sampled_from([0o644, 0o755]),
    ),
)


def ours_tree(path: Path, *, skip_empty: bool) -> str:
    try:
        return str(tarball.tree_hash(path, skip_empty=skip_empty))
    except FetchArtifactsError:
        return REFUSED


@pytest.mark.requires_julia("1.6")
@pytest.mark.parametrize("skip_empty", [True, False])
@given(batch=batches(st.lists(MEMBERS, max_size=5)))
def test_trees_of_archives(
    julia: Julia, tmp_path: Path, batch: list[list[bytes]], skip_empty: bool
) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        paths = [Path(folder, f"{number}.tar") for number in range(len(batch))]
        for path, members in zip(paths, batch, strict=True):
            path.write_bytes(b"".join(members) + bytes(1024))
        questions = [("tar_tree_hash", path, "git-sha1", skip_empty) for path in paths]
        for path, answer in zip(paths, julia.ask_all(questions), strict=True):
            assert value(answer) == ours_tree(path, skip_empty=skip_empty), path
