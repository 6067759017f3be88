from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli

from fetch_artifacts.artifacts_toml.check import Finding, check_file, check_files
from fetch_artifacts.authoring.doctor import diagnose
from fetch_artifacts.errors import ArtifactsTomlNotFoundError
from fetch_artifacts.julia_toml import dumps
from support.fixtures import FIXTURES
from support.growth import growth

ONE = "1" * 40
SHA = "ab" * 32
LINUX = f"os = 'linux'\narch = 'x86_64'\ngit-tree-sha1 = '{ONE}'\n"


def findings(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    """Key and fault of all findings in a file."""
    path = tmp_path / "Artifacts.toml"
    path.write_text(text, "utf-8")
    found = check_file(path)
    assert all(each.path == path and each.todo for each in found)
    return [(each.key, each.what) for each in found]


def test_a_good_file_has_no_findings(tmp_path: Path) -> None:
    text = f"""
        none = []
        [a]
        git-tree-sha1 = "{ONE}"
        lazy = true
        description = "any words"
        [[a.download]]
        url = "https://h/a.tar.gz?download=1"
        sha256 = "{SHA}"
        size = 3
        [[p]]
        {LINUX}
        rank = 3
        notes = ["some words"]
        [[p]]
        {LINUX.replace("linux", "macos")}
        """
    assert findings(tmp_path, text) == []


# Real files: their tags are meant as tags.
@pytest.mark.parametrize(
    "path", sorted((FIXTURES / "jll").glob("*.toml")), ids=lambda path: path.stem
)
def test_real_packages_have_no_findings(path: Path, tmp_path: Path) -> None:
    package = tomli.loads(path.read_text("utf-8"))
    text = dumps({package["name"]: package["entries"]})
    assert findings(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "key", "what"),
    [
        ("a = ", "", "expected TOML: Invalid value (at end of document)"),
        (
            "a = 1 # one\nb = {c = 1,}",
            "",
            (
                "expected TOML: expected no comma at the end of an inline table, found "
                "',}' (at line 2, column 11), which Julia can't read; leave it out"
            ),
        ),
        ("a = 3", "a", "expected a table or an array of tables, found 3"),
        ("[a]", "a.git-tree-sha1", "expected 40 hex digits, found nothing"),
        (
            "[a]\ngit-tree-sha1 = 'abc'",
            "a.git-tree-sha1",
            "expected 40 hex digits, found 3: 'abc'",
        ),
        (
            f"[a]\ngit-tree-sha1 = '{ONE}'\nlazy = 'no'",
            "a.lazy",
            "expected true or false, found 'no'",
        ),
        (
            f"[a]\ngit-tree-sha1 = '{ONE}'\ndownload = 'x'",
            "a.download",
            "expected an array of tables, found 'x'",
        ),
        (
            f"[a]\ngit-tree-sha1 = '{ONE}'\nos = 'linux'",
            "a.os",
            "a table suits every platform; Julia ignores 'linux' here",
        ),
        ("a = [3]", "a[1]", "expected a table, found 3"),
        (
            f"[[a]]\n{LINUX}\n[[a]]\nos = 'linux'\ngit-tree-sha1 = '{ONE}'",
            "a[2].arch",
            "expected a string, found nothing",
        ),
        (
            f"[[a]]\n{LINUX}\n[[a]]\n{LINUX}libc = 'glibc'",
            "a[2]",
            "it is for the same platform as a[1], x86_64-linux-gnu",
        ),
        (
            f"[[a]]\n{LINUX}Description = 'data'",
            "a[1].Description",
            "Julia takes this string for a platform tag",
        ),
    ],
)
def test_each_fault_is_found_where_it_is(
    text: str, key: str, what: str, tmp_path: Path
) -> None:
    assert findings(tmp_path, text) == [(key, what)]


IS_A_TAG = "Julia takes this string for a platform tag"


@pytest.mark.parametrize(
    ("line", "key", "what", "todo"),
    [
        (
            "description = 'some words'",
            "a[1].description",
            f"{IS_A_TAG}: platform tag 'description' = 'some words': expected no space",
            "remove it, or write an array with the string in it",
        ),
        (
            "'e.f' = 'x/y'",
            'a[1]."e.f"',
            f"{IS_A_TAG}: platform tag 'e.f' = 'x/y': expected no space",
            "remove it, or write an array with the string in it",
        ),
        (
            "OS = 'linux'",
            "a[1].OS",
            f"{IS_A_TAG}: platform tags: expected 'os' once, found it again as 'OS'",
            "correct it, or take it out",
        ),
        (
            "cuda = '12+1'",
            "a[1].cuda",
            f"{IS_A_TAG}: platform tag 'cuda' = '12+1': expected no space",
            "correct it, or take it out",
        ),
        (
            "libgfortran_version = 'new'",
            "a[1].libgfortran_version",
            "platform {'arch': 'x86_64', 'os': 'linux', 'libc': 'glibc', 'libgfortran_",
            "correct it, or no machine will ever choose this",
        ),
        (
            "Libc = 'bionic'",
            "a[1].Libc",
            "platform {'arch': 'x86_64', 'os': 'linux', 'libc': 'bionic'}: expected a ",
            "correct it, or no machine will ever choose this",
        ),
    ],
)
def test_a_tag_that_julia_cannot_read_or_never_has_is_found_where_it_is(
    line: str, key: str, what: str, todo: str, tmp_path: Path
) -> None:
    path = tmp_path / "Artifacts.toml"
    path.write_text(f"[[a]]\n{LINUX}{line}\n", "utf-8")
    (finding,) = check_file(path)
    assert (key, todo) == (finding.key, finding.todo)
    assert finding.what.startswith(what)
    assert finding.to_json()["key"] == key


def test_all_faults_of_an_element_are_found_at_once(tmp_path: Path) -> None:
    bare = f"[[a]]\ngit-tree-sha1 = '{ONE}'\nnote = 'x'\ntext = 'x y'\nos = 3\n"
    full = f"[[a]]\n{LINUX}libc = 'bionic'\nOS = 'linux'\nlazy = 'no'\n"
    keys = [key for key, _ in findings(tmp_path, bare + full)]
    assert keys == [
        *("a[1].os", "a[1].arch", "a[1].text"),
        *("a[2].OS", "a[2].libc", "a[2].lazy"),
        "a[1].note",
    ]


def test_a_version_that_is_none_is_found(tmp_path: Path) -> None:
    text = LINUX.replace("linux", "macos") + "os_version = 'new'"
    keys = [key for key, _ in findings(tmp_path, f"[[a]]\n{text}")]
    assert keys == ["a[1].os_version"]


def test_tags_may_be_called_as_anything(tmp_path: Path) -> None:
    text = f"[[a]]\n{LINUX}validate_strict = 'x'"
    assert findings(tmp_path, text) == [("a[1].validate_strict", IS_A_TAG)]


@pytest.mark.parametrize(("old", "new"), [("linux", "plan9"), ("x86_64", "vax")])
def test_systems_and_machines_without_julia_are_found(
    old: str, new: str, tmp_path: Path
) -> None:
    found = findings(tmp_path, f"[[a]]\n{LINUX.replace(old, new)}")
    assert [key for key, _ in found] == ["a[1]"]


def test_all_faults_of_a_source_are_found(tmp_path: Path) -> None:
    text = f"""
        [a]
        git-tree-sha1 = "{ONE}"
        download = [{{url = "host/a", size = "big"}}, 3, {{url = "https://h/a b"}}]
        """
    url = "expected a URL such as https://host/file.tar.gz, found "
    assert findings(tmp_path, text) == [
        ("a.download[1].url", url + "'host/a'"),
        ("a.download[1].size", "expected a number of bytes, found 'big'"),
        ("a.download[1].sha256", "expected 64 hex digits, found nothing"),
        ("a.download[2]", "expected a table, found 3"),
        ("a.download[3].url", url + "'https://h/a b'"),
        ("a.download[3].sha256", "expected 64 hex digits, found nothing"),
    ]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https:///a", "a URL with a host, found 'https:///a'"),
        ("http://:80/x", "a URL with a host, found 'http://:80/x'"),
        ("https://user:pw@", "a URL with a host, found 'https://'"),
        ("htttps://h/a", "a URL of http, https, ftp or file, found 'htttps://h/a'"),
        ("sftp://h/a", "a URL of http, https, ftp or file, found 'sftp://h/a'"),
        (
            "http://[::1",
            "a URL such as https://host/file.tar.gz, found 'http://[::1'",
        ),
        (
            "https://h:port/a",
            "a URL such as https://host/file.tar.gz, found 'https://h:port/a'",
        ),
        ("file://h/a", "a file here, as file:///folder/file, found 'file://h/a'"),
        ("file:///", "a file here, as file:///folder/file, found 'file:///'"),
    ],
)
def test_a_url_that_nothing_can_be_had_from_is_found(
    url: str, expected: str, tmp_path: Path
) -> None:
    source = f"[[a.download]]\nurl = '{url}'\nsha256 = '{SHA}'\n"
    assert findings(tmp_path, f"[a]\ngit-tree-sha1 = '{ONE}'\n{source}") == [
        ("a.download[1].url", f"expected {expected}")
    ]


@pytest.mark.parametrize(
    "url",
    [
        "file:///a",
        "file://localhost/a",
        "FILE:///C:/a",
        "HTTP://h",
        "https://[::1]:8/a",
    ],
)
def test_a_url_that_something_can_be_had_from_is_good(url: str, tmp_path: Path) -> None:
    source = f"[[a.download]]\nurl = '{url}'\nsha256 = '{SHA}'\n"
    assert findings(tmp_path, f"[a]\ngit-tree-sha1 = '{ONE}'\n{source}") == []


@pytest.mark.parametrize("digits", [64, 40])
def test_an_old_entry_is_sent_to_the_doctor(digits: int, tmp_path: Path) -> None:
    path = tmp_path / "Artifacts.toml"
    source = f"[[a.download]]\nurl = 'https://h/a'\nsha256 = '{SHA}'\n"
    path.write_text(f"[a]\ngit-tree-sha1 = '{SHA[:digits]}'\n{source}", "utf-8")
    (finding,) = check_file(path)
    assert finding.key == "a.git-tree-sha1"
    assert finding.what.startswith("this is the hash of the archive, not of the folder")
    assert "doctor --fix" in finding.todo


def test_a_tag_that_tells_two_entries_apart_is_meant_as_one(tmp_path: Path) -> None:
    entries = [f"[[a]]\n{LINUX}blas = '{blas}'\n" for blas in ("mkl", "openblas")]
    assert findings(tmp_path, "".join(entries)) == []
    # It tells nothing apart where everything is written twice.
    assert ("a[1].blas", "Julia takes this string for a platform tag") in findings(
        tmp_path, entries[0] * 2
    )


def test_two_files_of_which_one_is_not_read_are_found(tmp_path: Path) -> None:
    (tmp_path / "JuliaArtifacts.toml").touch()
    expected = "both JuliaArtifacts.toml and Artifacts.toml are here; the second is "
    assert findings(tmp_path, "") == [("", f"{expected}never read")]
    assert len(check_file(tmp_path / "JuliaArtifacts.toml")) == 1


def test_a_finding_can_be_printed_and_written_as_json() -> None:
    finding = Finding(path=Path("A.toml"), key="a[2].os", what="no os", todo="add it")
    assert str(finding) == "A.toml:a[2].os: no os: add it"
    assert json.loads(json.dumps(finding.to_json())) == {
        "file": "A.toml",
        "key": "a[2].os",
        "what": "no os",
        "todo": "add it",
        "wrong": True,
    }


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactsTomlNotFoundError):
        check_file(tmp_path / "gone.toml")


def test_of_several_files_each_is_checked_and_one_that_is_not_there_found(
    tmp_path: Path,
) -> None:
    bad = tmp_path / "Artifacts.toml"
    bad.write_text("a = 3", "utf-8")
    gone = tmp_path / "gone.toml"
    found = [(each.path, each.key) for each in check_files([gone, bad, tmp_path, bad])]
    assert found == [(gone, ""), (bad, "a"), (tmp_path, ""), (bad, "a")]


def test_names_with_slashes_get_one_note(tmp_path: Path) -> None:
    path = tmp_path / "Artifacts.toml"
    names = [r"HB/1138_bus", "HB/494_bus", r"a\\b"]
    path.write_text(
        "".join(f"['{name}']\ngit-tree-sha1 = '{ONE}'\n" for name in names), "utf-8"
    )
    (finding,) = check_file(path)
    assert finding.harmless
    assert str(finding).startswith(f"note: {path}: 'HB/1138_bus' and 2 more names: ")
    assert finding.to_json()["wrong"] is False


def reactant(gpu: str, version: str) -> str:
    return f"[[a]]\n{LINUX}gpu = '{gpu}'\ngpu_version = '{version}'\n"


def test_tags_that_always_go_together_are_judged_together(tmp_path: Path) -> None:
    # As in Reactant_jll: each alone tells the entries apart.
    text = reactant("none", "none") + reactant("rocm", "7.1")
    assert findings(tmp_path, text) == []
    macos = LINUX.replace("linux", "macos")
    assert findings(tmp_path, f"{text}[[a]]\n{macos}gpu = 'none'\n") == []


def test_a_tag_that_tells_nothing_apart_is_found_beside_those_that_do(
    tmp_path: Path,
) -> None:
    note = "note = 'x'\n"
    text = reactant("none", "none") + note + reactant("rocm", "7.1") + note
    assert findings(tmp_path, text) == [
        ("a[1].note", IS_A_TAG),
        ("a[2].note", IS_A_TAG),
    ]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h/a.x86_64-linux-gnu-blas%2Bmkl.tar.gz", []),
        ("https://h/a.x86_64-linux-gnu-BLAS+mkl.tar.gz", []),
        ("https://h/a.tar.gz", [("a[1].blas", IS_A_TAG)]),
    ],
)
def test_a_tag_that_the_url_spells_is_meant(
    url: str, expected: object, tmp_path: Path
) -> None:
    source = f"[[a.download]]\nurl = '{url}'\nsha256 = '{SHA}'\n"
    assert findings(tmp_path, f"[[a]]\n{LINUX}blas = 'mkl'\n{source}") == expected


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("lazzy", "lazy"),
        ("Lazy", "lazy"),
        ("downlod", "download"),
        ("git_tree_sha1", None),  # is there, with dashes
        ("version", None),
        ("march", None),
        ("archive", None),
        ("description", None),
    ],
)
def test_a_misspelt_key_gets_a_note(
    key: str, meant: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "Artifacts.toml"
    path.write_text(f"[a]\ngit-tree-sha1 = '{ONE}'\n{key} = 'x'\n", "utf-8")
    found = [(each.harmless, each.key, each.todo) for each in check_file(path)]
    todo = f"write {meant}, if that is what you mean"
    assert found == ([(True, f"a.{key}", todo)] if meant else [])


def sources(*urls: str) -> str:
    lines = [f"[[a.download]]\nurl = '{url}'\nsha256 = '{SHA}'\n" for url in urls]
    return f"[a]\ngit-tree-sha1 = '{ONE}'\n{''.join(lines)}"


@pytest.mark.parametrize(
    ("urls", "faults"),
    [
        (("sftp://h/a", "https://h/a"), [True]),
        (("https://h/a", "sftp://h/a"), [False]),
        (("sftp://h/a", "sftp://i/a"), [False, False]),
        (("htttps://h/a", "https://h/a"), [False]),
    ],
)
def test_a_url_for_curl_is_no_fault_where_another_follows(
    urls: tuple[str, ...], faults: list[bool], tmp_path: Path
) -> None:
    path = tmp_path / "Artifacts.toml"
    path.write_text(sources(*urls), "utf-8")
    assert [finding.harmless for finding in check_file(path)] == faults


def elements(*tables: str) -> str:
    return "".join(f"[[a]]\narch = 'x86_64'\n{table}\n" for table in tables)


def many_platforms(count: int) -> str:
    hash_and_os = f"git-tree-sha1 = '{ONE}'\nos = 'linux'"
    return elements(*[f"{hash_and_os}\nblas = 'v{each}'" for each in range(count)])


def many_tags(count: int) -> str:
    tags = "\n".join(f"tag{number} = 'v'" for number in range(count))
    return elements(
        *[f"git-tree-sha1 = '{ONE}'\nos = '{os}'\n{tags}" for os in ("linux", "macos")]
    )


def diagnose_offline(path: Path) -> object:
    return diagnose(path, offline=True)


@pytest.mark.parametrize("text", [many_platforms, many_tags])
@pytest.mark.parametrize("work", [check_file, diagnose_offline])
def test_work_grows_as_the_file_does(
    text: Callable[[int], str], work: Callable[[Path], object], tmp_path: Path
) -> None:
    small, large = tmp_path / "small.toml", tmp_path / "large.toml"
    small.write_text(text(100), "utf-8")
    large.write_text(text(400), "utf-8")
    assert growth(work, small, large) < 5
