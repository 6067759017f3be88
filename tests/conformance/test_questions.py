"""What each question sends to oracle.jl, and what becomes of its answer."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fetch_artifacts.conformance.questions import Julia
from fetch_artifacts.errors import JuliaThrewError, OracleError
from support.fake_julia import encode

HASH = "0" * 40
TOML = Path("Artifacts.toml")
LINUX = "x86_64-linux-gnu"


class Scripted:
    """A transport that gives one answer, and keeps the fields it was asked."""

    def __init__(self, *answer: str) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def exchange(self, request: str) -> str:
        self.asked = [
            os.fsdecode(base64.b64decode(field)) for field in request.split(" ")
        ]
        return encode(*self.answer)

    def close(self) -> None:
        """There is nothing to end."""


QUESTIONS: list[tuple[Callable[[Julia], Any], list[str], list[str], Any]] = [
    (
        lambda julia: julia.seconds("tree_hash", TOML, number=3),
        ["seconds", "3", "tree_hash", "Artifacts.toml"],
        ["0.25"],
        0.25,
    ),
    (lambda julia: julia.version(), ["version"], ["1.12.5"], "1.12.5"),
    (lambda julia: julia.program(), ["program"], ["/julia"], "/julia"),
    (lambda julia: julia.capabilities(), ["capabilities"], ["a", "b"], ["a", "b"]),
    (lambda julia: julia.tree_hash(Path("a")), ["tree_hash", "a"], [HASH], HASH),
    (
        lambda julia: julia.sha256_tree_hash(Path("a")),
        ["sha256_tree_hash", "a"],
        ["1" * 64],
        "1" * 64,
    ),
    (
        lambda julia: julia.artifact_meta("Data", TOML, LINUX),
        ["artifact_meta", "Data", "Artifacts.toml", LINUX],
        ["lazy = true\n"],
        "lazy = true\n",
    ),
    (
        lambda julia: julia.artifact_hash("Data", TOML),
        ["artifact_hash", "Data", "Artifacts.toml", ""],
        [],
        None,
    ),
    (
        lambda julia: julia.artifact_path(HASH),
        ["artifact_path", HASH, "true"],
        ["depot/artifacts/x"],
        Path("depot/artifacts/x"),
    ),
    (
        lambda julia: julia.artifact_exists(HASH, honor_overrides=False),
        ["artifact_exists", HASH, "false"],
        ["false"],
        False,
    ),
    (
        lambda julia: julia.verify_artifact(HASH),
        ["verify_artifact", HASH],
        ["true"],
        True,
    ),
    (lambda julia: julia.remove_artifact(HASH), ["remove_artifact", HASH], [], None),
    (
        lambda julia: julia.archive_artifact(HASH, Path("a.tar.gz")),
        ["archive_artifact", HASH, "a.tar.gz"],
        ["2" * 64],
        "2" * 64,
    ),
    (
        lambda julia: julia.create_artifact(Path("a")),
        ["create_artifact", "a"],
        [HASH],
        HASH,
    ),
    (
        lambda julia: julia.ensure_artifact_installed("Data", TOML, LINUX),
        ["ensure_artifact_installed", "Data", "Artifacts.toml", LINUX],
        ["there"],
        Path("there"),
    ),
    (
        lambda julia: julia.extract_all_hashes(TOML, include_lazy=True),
        ["extract_all_hashes", "Artifacts.toml", "", "true"],
        [HASH],
        [HASH],
    ),
    (
        lambda julia: julia.bind_artifact(
            TOML, "Data", HASH, downloads=[("url", "sum")], lazy=True
        ),
        [
            *("bind_artifact", "Artifacts.toml", "Data", HASH),
            *("", "true", "false", "url", "sum"),
        ],
        [],
        None,
    ),
    (
        lambda julia: julia.unbind_artifact(TOML, "Data"),
        ["unbind_artifact", "Artifacts.toml", "Data", ""],
        [],
        None,
    ),
    (
        lambda julia: julia.find_artifacts_toml(Path("a.jl")),
        ["find_artifacts_toml", "a.jl"],
        ["Artifacts.toml"],
        TOML,
    ),
    (
        lambda julia: julia.find_artifacts_toml(Path("a.jl")),
        ["find_artifacts_toml", "a.jl"],
        [],
        None,
    ),
    (
        lambda julia: julia.artifact_names(TOML),
        ["artifact_names", "Artifacts.toml"],
        ["Data"],
        ["Data"],
    ),
    (
        lambda julia: julia.place("Data", TOML, pkg_uuid="uuid"),
        ["place", "Data", "Artifacts.toml", "", "uuid"],
        ["there"],
        Path("there"),
    ),
    (
        lambda julia: julia.place("Data", TOML),
        ["place", "Data", "Artifacts.toml", "", ""],
        [],
        None,
    ),
    (
        lambda julia: julia.select_downloadable_artifacts(TOML),
        ["select_downloadable_artifacts", "Artifacts.toml", "", "false"],
        ["Data"],
        ["Data"],
    ),
    (
        lambda julia: julia.logged("tree_hash", "a"),
        ["logged", "tree_hash", "a"],
        ["it was logged", HASH],
        ("it was logged", [HASH]),
    ),
    (lambda julia: julia.gc(), ["gc"], [], None),
    (lambda julia: julia.print_toml("a=1"), ["print_toml", "a=1"], ["a = 1"], "a = 1"),
    (
        lambda julia: julia.depot_path(Path("home"), None),
        ["depot_path", "home"],
        ["home/.julia"],
        ["home/.julia"],
    ),
    (
        lambda julia: julia.depot_path(Path("home"), ""),
        ["depot_path", "home", ""],
        ["home/.julia"],
        ["home/.julia"],
    ),
    (lambda julia: julia.host_triplet(), ["host_triplet"], [LINUX], LINUX),
    (lambda julia: julia.triplet("x86_64"), ["triplet", "x86_64"], [LINUX], LINUX),
    (
        lambda julia: julia.platform_tags(LINUX),
        ["platform_tags", LINUX],
        ["arch", "x86_64", "os", "linux"],
        {"arch": "x86_64", "os": "linux"},
    ),
    (
        lambda julia: julia.platforms_match("a", "b"),
        ["platforms_match", "a", "b"],
        ["true"],
        True,
    ),
    (
        lambda julia: julia.select_platform("a", ["b", "c"]),
        ["select_platform", "a", "b", "c"],
        ["c"],
        "c",
    ),
    (
        lambda julia: julia.tar_create(Path("a"), Path("a.tar"), portable=True),
        ["tar_create", "a", "a.tar", "true"],
        [],
        None,
    ),
    (
        lambda julia: julia.tar_extract(Path("a.tar"), Path("a")),
        ["tar_extract", "a.tar", "a"],
        [],
        None,
    ),
    (
        lambda julia: julia.tar_tree_hash(Path("a.tar"), skip_empty=True),
        ["tar_tree_hash", "a.tar", "git-sha1", "true"],
        [HASH],
        HASH,
    ),
    (
        lambda julia: julia.slash_lookup("Data/sub", TOML),
        ["slash_lookup", "Data/sub", "Artifacts.toml", ""],
        ["Data", "sub", HASH],
        ("Data", "sub", HASH),
    ),
]


@pytest.mark.parametrize(("ask", "fields", "values", "answer"), QUESTIONS)
def test_a_question_is_a_verb_and_its_arguments_and_has_a_plain_answer(
    ask: Callable[[Julia], Any], fields: list[str], values: list[str], answer: Any
) -> None:
    transport = Scripted("ok", *values)
    assert ask(Julia(transport).at(Path("one"), Path("two"))) == answer
    verb, *arguments = fields
    assert transport.asked == [verb, "one\0two", *arguments]


def test_of_many_questions_each_has_its_answer_or_its_exception() -> None:
    answers = [encode("ok", HASH), encode("error", "ArgumentError", "no hash")]
    transport = Scripted("ok", *answers)
    julia = Julia(transport, depots=())
    first, second = julia.ask_all([("tree_hash", "a"), ("verify_artifact", "b")])
    assert first == [HASH]
    assert isinstance(second, JuliaThrewError)
    assert second.kind == "ArgumentError"
    assert transport.asked[2:] == [
        encode("tree_hash", "", "a"),
        encode("verify_artifact", "", "b"),
    ]


def test_among_many_questions_nonsense_is_an_error_of_the_caller() -> None:
    julia = Julia(Scripted("ok", encode("fault", "no verb nonsense")), depots=())
    with pytest.raises(OracleError, match=r"nonsense\(1, 2\.5\): fault"):
        julia.ask_all([("nonsense", 1, 2.5)])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such paths")
def test_bytes_of_a_path_that_are_no_text_arrive_as_they_are() -> None:
    transport = Scripted("ok", HASH)
    path = os.fsdecode(b"\xff")
    Julia(transport, depots=()).tree_hash(Path(path))
    assert transport.asked[-1] == path
