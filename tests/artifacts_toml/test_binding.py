from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
import tomli

from fetch_artifacts.artifacts_toml.binding import (
    add_source,
    check_free,
    unbind,
)
from fetch_artifacts.artifacts_toml.choosing import entry_for
from fetch_artifacts.artifacts_toml.entry import DownloadSource
from fetch_artifacts.digests import Sha256, TreeHash
from fetch_artifacts.errors import (
    ArtifactNotFoundError,
    ArtifactsTomlError,
    ArtifactsTomlNotFoundError,
    BindingExistsError,
    FetchArtifactsError,
    HashParseError,
    NoMatchingPlatformError,
)
from fetch_artifacts.platforms import Platform
from support.bindings import bind
from support.fixtures import Case, load_vectors
from support.trees import facts

ONE, TWO = TreeHash.parse("1" * 40), TreeHash.parse("2" * 40)
SHA = Sha256.parse("ab" * 32)
LINUX = Platform.parse("x86_64-linux-gnu")
MAC = Platform.parse("aarch64-apple-darwin")


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """The file to bind in, alone in its folder, and not there yet."""
    folder = tmp_path / "package"
    folder.mkdir()
    return folder / "Artifacts.toml"


def source(url: str, size: int | None = None) -> DownloadSource:
    return DownloadSource(url=url, sha256=SHA, size=size)


def perform(toml: Path, op: Case, *, keep_comments: bool) -> bool:
    """Do one recorded step; whether it succeeded."""
    platform = Platform.parse(op["platform"]) if op["platform"] else None
    try:
        if op["op"] == "unbind":
            unbind(toml, op["name"], platform=platform, keep_comments=keep_comments)
            return True
        sources = tuple(
            DownloadSource(url=each["url"], sha256=Sha256.parse(each["sha256"]))
            for each in op["download"]
        )
        bind(
            toml,
            op["name"],
            TreeHash.parse(op["hash"]),
            platform=platform,
            downloads=sources or None,
            lazy=op["lazy"],
            force=op["force"],
            keep_comments=keep_comments,
        )
    except FetchArtifactsError:
        return False
    return True


@pytest.mark.parametrize(("case", "answer"), load_vectors("bind"))
def test_the_file_is_julias(case: Case, answer: Case, toml: Path) -> None:
    if case["start"]:
        toml.write_text(case["start"], "utf-8")
    done = [perform(toml, op, keep_comments=False) for op in case["ops"]]
    assert [step["ok"] for step in answer["steps"]] == done
    assert answer["text"] == (toml.read_text("utf-8") if toml.exists() else "")


@pytest.mark.parametrize(("case", "answer"), load_vectors("bind"))
def test_the_edited_file_says_what_julias_says(
    case: Case, answer: Case, toml: Path
) -> None:
    if case["start"]:
        toml.write_text(case["start"], "utf-8")
    done = [perform(toml, op, keep_comments=True) for op in case["ops"]]
    assert [step["ok"] for step in answer["steps"]] == done
    text = toml.read_text("utf-8") if toml.exists() else ""
    assert tomli.loads(answer["text"]) == tomli.loads(text)


# --- binding


def test_sources_are_written_in_order_with_the_sizes_that_are_known(toml: Path) -> None:
    bind(toml, "x", ONE, downloads=[source("https://h/b", 7), source("https://h/a")])
    expected = f"""\
        [x]
        git-tree-sha1 = "{ONE}"

            [[x.download]]
            sha256 = "{SHA}"
            size = 7
            url = "https://h/b"
            [[x.download]]
            sha256 = "{SHA}"
            url = "https://h/a"
        """
    assert toml.read_text("utf-8") == dedent(expected)


def test_an_empty_list_of_sources_is_written_as_julia_writes_it(toml: Path) -> None:
    bind(toml, "x", ONE, downloads=[])
    assert toml.read_text("utf-8") == f'[x]\ndownload = []\ngit-tree-sha1 = "{ONE}"\n'


def test_a_bound_name_is_not_bound_again(toml: Path) -> None:
    bind(toml, "x", ONE)
    before = toml.read_bytes()
    with pytest.raises(
        BindingExistsError,
        match="'x' already exists: it is bound; force=True replaces",
    ):
        bind(toml, "x", TWO)
    with pytest.raises(
        BindingExistsError, match="'x' already exists: it is bound for every platform"
    ):
        bind(toml, "x", TWO, platform=LINUX, force=True)
    assert toml.read_bytes() == before


def test_a_platform_is_in_the_way_of_those_that_it_fits(toml: Path) -> None:
    bind(toml, "x", ONE, platform=LINUX)
    narrower = Platform.parse("x86_64-linux-gnu-libgfortran5")
    message = f"'x' already exists: it is bound for {LINUX}, which {narrower} fits; unb"
    with pytest.raises(BindingExistsError, match=message):
        bind(toml, "x", TWO, platform=narrower)
    with pytest.raises(BindingExistsError, match="force=True replaces it"):
        bind(toml, "x", TWO, platform=LINUX)
    bind(toml, "x", TWO, platform=narrower, force=True)
    bind(toml, "x", TWO, platform=MAC)
    elements = tomli.loads(toml.read_text("utf-8"))["x"]
    assert [Platform.from_entry(e) for e in elements] == [LINUX, narrower, MAC]


def test_a_host_platform_replaces_what_was_bound_for_it(toml: Path) -> None:
    # Julia appends a second element: https://github.com/JuliaLang/Pkg.jl/issues/3623
    host = Platform.parse("x86_64-linux-gnu-libstdcxx30").as_host()
    bind(toml, "x", ONE, platform=host)
    bind(toml, "x", TWO, platform=host, force=True)
    elements = tomli.loads(toml.read_text("utf-8"))["x"]
    assert [element["git-tree-sha1"] for element in elements] == [str(TWO)]
    assert unbind(toml, "x", platform=host)
    assert toml.read_text("utf-8") == "x = []\n"


def test_an_empty_list_is_in_nobodys_way(toml: Path) -> None:
    toml.write_text("x = []\n", "utf-8")
    bind(toml, "x", ONE)
    assert toml.read_text("utf-8") == f'[x]\ngit-tree-sha1 = "{ONE}"\n'


@pytest.mark.parametrize(
    "url",
    [
        *("", "host/file", "https://", "https://h/a b", "https://h/a\n"),
        *("https:///a", "htttps://h/a", "http://[::1", "http://:80/x", "http://me@"),
    ],
)
def test_a_source_without_a_url_is_not_bound(url: str, toml: Path) -> None:
    with pytest.raises(ArtifactsTomlError, match=r"x\.download\[2\]\.url: expected a"):
        bind(toml, "x", ONE, downloads=[source("https://h/a"), source(url)])
    assert not toml.exists()


def test_what_is_written_already_is_read_with_urls_of_any_kind(toml: Path) -> None:
    urls = ["sftp://h/a", "htttps://h/a", "https:///a"]
    lines = [f"[[x.download]]\nurl = '{url}'\nsha256 = '{SHA}'\n" for url in urls]
    toml.write_text(f"[x]\ngit-tree-sha1 = '{ONE}'\n" + "".join(lines), "utf-8")
    assert [each.url for each in entry_for("x", toml, LINUX).downloads] == urls
    add_source(toml, "x", source("https://h/b"))
    assert len(entry_for("x", toml, LINUX).downloads) == 4


def test_a_hash_of_64_digits_is_not_bound(toml: Path) -> None:
    with pytest.raises(HashParseError, match="expected 40 hex digits, found 64"):
        bind(toml, "x", TreeHash(SHA.digest))
    assert not toml.exists()


# --- asking before


@pytest.mark.parametrize(
    ("bound_for", "platform", "force", "problem"),
    [
        (None, None, False, "already exists: it is bound; force=True replaces it"),
        (
            None,
            LINUX,
            False,
            "already exists: it is bound for every platform; unbind it first",
        ),
        (
            None,
            LINUX,
            True,
            "already exists: it is bound for every platform; unbind it first",
        ),
        (None, None, True, ""),
        (LINUX, None, False, "already exists: it is bound; force=True replaces it"),
        (LINUX, None, True, ""),
        (
            LINUX,
            LINUX,
            False,
            f"already exists: it is bound for {LINUX}, which {LINUX} fits",
        ),
        (LINUX, LINUX, True, ""),
        (LINUX, MAC, False, ""),
    ],
)
def test_what_can_not_be_bound_is_known_before(
    bound_for: Platform | None,
    platform: Platform | None,
    *,
    force: bool,
    problem: str,
    toml: Path,
) -> None:
    check_free(toml, "x", platform, force=force)  # there is no file yet
    bind(toml, "x", ONE, platform=bound_for)
    check_free(toml, "y", platform, force=force)
    if not problem:
        check_free(toml, "x", platform, force=force)
        bind(toml, "x", TWO, platform=platform, force=force)
        return
    with pytest.raises(BindingExistsError, match=f"'x' {problem}"):
        check_free(toml, "x", platform, force=force)
    with pytest.raises(BindingExistsError, match=f"'x' {problem}"):
        bind(toml, "x", TWO, platform=platform, force=force)


# --- unbinding


def test_unbinding_tells_whether_there_was_something(toml: Path) -> None:
    bind(toml, "x", ONE)
    bind(toml, "y", ONE, platform=LINUX)
    before = facts(toml)
    assert not unbind(toml, "z")
    assert facts(toml) == before
    assert not unbind(toml, "y", platform=MAC)
    assert unbind(toml, "y", platform=LINUX)
    assert unbind(toml, "y")
    assert unbind(toml, "x")
    assert toml.read_bytes() == b""


def test_a_name_for_every_platform_is_not_unbound_from_one(toml: Path) -> None:
    bind(toml, "x", ONE)
    with pytest.raises(ArtifactsTomlError, match="x: it is bound for every platform"):
        unbind(toml, "x", platform=LINUX)


def test_unbinding_needs_a_file(toml: Path) -> None:
    with pytest.raises(ArtifactsTomlNotFoundError, match="found no such file"):
        unbind(toml, "x")


# --- adding a source


def test_a_source_is_added_behind_the_others(toml: Path) -> None:
    bind(toml, "x", ONE, downloads=[source("https://h/1")])
    add_source(toml, "x", source("https://h/2", 5))
    downloads = tomli.loads(toml.read_text("utf-8"))["x"]["download"]
    assert [each["url"] for each in downloads] == ["https://h/1", "https://h/2"]
    assert downloads[1]["size"] == 5


def test_a_source_is_added_for_the_platform_that_is_meant(toml: Path) -> None:
    bind(toml, "x", ONE, platform=LINUX)
    add_source(toml, "x", source("https://h/1"))
    bind(toml, "x", TWO, platform=MAC)
    add_source(toml, "x", source("https://h/2"), platform=MAC)
    with pytest.raises(ArtifactsTomlError, match=f"x: .*found {LINUX}, {MAC}"):
        add_source(toml, "x", source("https://h/3"))
    with pytest.raises(NoMatchingPlatformError):
        add_source(
            toml, "x", source("https://h/3"), platform=Platform.parse("i686-linux-gnu")
        )
    elements = tomli.loads(toml.read_text("utf-8"))["x"]
    urls = [[each["url"] for each in e["download"]] for e in elements]
    assert urls == [["https://h/1"], ["https://h/2"]]


def test_a_login_in_a_url_is_told_before_it_is_written(
    toml: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with_login, without = source("https://me:hunter2@a.org/x"), source("file:///a@b")
    bind(toml, "X", ONE, downloads=[with_login, without])
    add_source(toml, "X", source("https://me@b.org/x?y@z"))
    said = [record.getMessage() for record in caplog.records]
    assert [line.partition(": the login in this URL")[0] for line in said] == [
        "https://a.org/x",
        "https://b.org/x?...",
    ]
    assert "hunter2" not in caplog.text


def test_a_source_that_is_there_is_not_added(toml: Path) -> None:
    bind(toml, "x", ONE, downloads=[source("https://h/1")])
    with pytest.raises(BindingExistsError, match="has the source https://h/1 already"):
        add_source(toml, "x", source("https://h/1"))
    with pytest.raises(ArtifactNotFoundError):
        add_source(toml, "y", source("https://h/1"))
    with pytest.raises(ArtifactsTomlError, match=r"x\.download\.url: expected a URL"):
        add_source(toml, "x", source("h/2"))


def test_sources_that_are_no_array_are_left_alone(toml: Path) -> None:
    toml.write_text(f"[x]\ngit-tree-sha1 = '{ONE}'\ndownload = 3\n", "utf-8")
    with pytest.raises(ArtifactsTomlError, match=r"x\.download: expected an array"):
        add_source(toml, "x", source("https://h/1"))
