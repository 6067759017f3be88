from __future__ import annotations

import shlex
import uuid
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import tomli

from fetch_artifacts import artifact, artifact_exists
from fetch_artifacts.depot.override_edits import (
    StatedOverride,
    list_overrides,
    overrides_in_effect,
    remove_override,
    set_override,
)
from fetch_artifacts.depot.overrides import (
    Overrides,
    artifact_paths,
    load_overrides,
)
from fetch_artifacts.depot.package_overrides import bound_hashes
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import OverrideError
from support.fixtures import Case, load_vectors
from support.growth import growth
from support.published import TREE_HASH, publish
from support.trees import make_tree

A, B, C, D = (TreeHash.parse(digit * 40) for digit in "abcd")
PACKAGE = "d8e3a1f0-1111-4222-8333-444455556666"


def load(tmp_path: Path, *depots: str) -> Overrides:
    """The overrides of depots, each given by the text of its file."""
    folders = [tmp_path / str(number) for number in range(len(depots))]
    for folder, text in zip(folders, depots, strict=True):
        folder.mkdir(exist_ok=True)
        (folder / "Overrides.toml").write_text(text, "utf-8")
    return load_overrides(folders)


@pytest.mark.parametrize(("case", "answer"), load_vectors("override"))
def test_places_are_julias(case: Case, answer: Case, tmp_path: Path) -> None:
    folders = []
    for number, text in enumerate(case["depots"], 1):
        folder = tmp_path / f"depot{number}/artifacts"
        folder.mkdir(parents=True)
        (folder / "Overrides.toml").write_text(text, "utf-8")
        folders.append(folder)
    for folder, hashes in zip(folders, case["installed"], strict=False):
        for text in hashes:
            (folder / text).mkdir()
    overrides = load_overrides(folders)
    # Julia's `artifact_hash(name, file; pkg_uuid)` does not pass the UUID on, so what
    # was recorded for names is what holds for their hashes.
    named = [entry["git-tree-sha1"] for entry in tomli.loads(case["toml"]).values()]
    for text, expected in [
        *zip(case["query"], answer["query"], strict=True),
        *zip(named, answer["named"], strict=True),
    ]:
        tree_hash = TreeHash.parse(text)
        if not expected["ok"]:
            with pytest.raises(OverrideError, match="circle"):
                artifact_paths(tree_hash, folders, overrides)
            continue
        paths = artifact_paths(tree_hash, folders, overrides)
        shown = [str(path).replace(str(tmp_path), "{ROOT}") for path in paths]
        assert expected.get("paths", shown) == shown
        found = next((p for p in paths if p.is_dir()), paths[0])
        assert expected["path"] == str(found).replace(str(tmp_path), "{ROOT}")
        assert expected.get("exists", found.is_dir()) == found.is_dir()


def test_without_files_nothing_is_overridden(tmp_path: Path) -> None:
    overrides = load_overrides([tmp_path / "gone"])
    assert overrides.resolve(A) is None
    assert overrides.resolve_name(PACKAGE, "a") is None
    assert artifact_paths(A, [tmp_path], overrides) == (tmp_path / str(A),)
    assert artifact_paths(A, [], overrides) == ()


def test_chains_end_at_a_folder_or_a_tree(tmp_path: Path) -> None:
    overrides = load(tmp_path, f"{A} = '{B}'\n{B} = '/opt/../b'\n{C} = '{D}'\n")
    assert overrides.resolve(A) == Path("/opt/../b")
    assert overrides.resolve(C) == D
    assert overrides.resolve(D) is None


def test_a_circle_is_shown(tmp_path: Path) -> None:
    overrides = load(tmp_path, f"{A} = '{B}'\n{B} = '{C}'\n{C} = '{B}'\n")
    with pytest.raises(OverrideError, match=f"circle: {A} -> {B} -> {C} -> {B};"):
        overrides.resolve(A)


def test_the_first_depot_wins_and_takes_back(tmp_path: Path) -> None:
    overrides = load(
        tmp_path,
        f"{A} = ''\n{B} = '/first'\n[{PACKAGE}]\nx = ''\n",
        f"{A} = '/second'\n{B} = '/second'\n{C} = '/second'\n[{PACKAGE}]\n"
        "x = '/x'\ny = '/y'\n",
    )
    assert overrides.resolve(A) is None
    assert overrides.resolve(B) == Path("/first")
    assert overrides.resolve(C) == Path("/second")
    assert overrides.resolve_name(PACKAGE, "x") is None
    assert overrides.resolve_name(PACKAGE, "y") == Path("/y")


def test_names_are_looked_up_by_a_uuid_of_either_form(tmp_path: Path) -> None:
    overrides = load(tmp_path, f"{B} = '{C}'\n[{PACKAGE.upper()}]\nlib = '{B}'\n")
    assert overrides.resolve_name(PACKAGE, "lib") == C
    assert overrides.resolve_name(uuid.UUID(PACKAGE), "lib") == C
    assert overrides.resolve_name(PACKAGE, "other") is None
    assert overrides.resolve_name("0" * 8 + PACKAGE[8:], "lib") is None


def test_a_packages_names_redirect_all_their_hashes(tmp_path: Path) -> None:
    overrides = load(tmp_path, f"[{PACKAGE}]\nlib = '/lib'\nabsent = '/x'\n")
    table = {"lib": [A, B], "other": [C]}
    scoped = overrides.for_package(PACKAGE, table)
    assert scoped.resolve(A) == scoped.resolve(B) == Path("/lib")
    assert scoped.resolve(C) is None
    assert overrides.resolve(A) is None
    assert overrides.for_package(PACKAGE[::-1], table) is overrides


def test_a_name_binds_the_hashes_of_all_its_entries() -> None:
    entries = [{"git-tree-sha1": str(A)}, {"git-tree-sha1": str(B)}]
    assert list(bound_hashes("lib", entries, None)) == [A, B]
    assert list(bound_hashes("lib", entries[0], None)) == [A]
    assert list(bound_hashes("lib", "neither table nor array", None)) == []


@pytest.mark.parametrize("broken", [{}, [{"git-tree-sha1": "x"}], [3]])
def test_a_name_without_a_hash_cannot_be_redirected(broken: object) -> None:
    with pytest.raises(OverrideError, match=r"/A.toml: lib: it is overridden, but"):
        list(bound_hashes("lib", broken, Path("/A.toml")))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"{A} = 'relative/x'", "expected an absolute path, 40 hex digits or nothing"),
        (f"{A} = '~/x'", "expected an absolute path"),
        (f"{A} = 3", "expected an absolute path"),
        ("nonsense = '/x'", "nonsense: git-tree-sha1: expected 40 hex digits, found 8"),
        ("[nonsense]\na = '/x'", "nonsense: expected a package's UUID"),
    ],
)
def test_what_julia_skips_is_skipped_with_a_warning(
    line: str, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    overrides = load(tmp_path, f"{B} = '/b'\n{line}\n")
    assert overrides.by_hash == {B: Path("/b")}
    assert overrides.by_name == {}
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.messages[0].startswith(f"{tmp_path / '0/Overrides.toml'}:")
    assert reason in caplog.text


@pytest.mark.parametrize("value", ["'relative/x'", "3", "{}", "['/x']"])
def test_a_bad_value_for_a_name_stops_everything(value: str, tmp_path: Path) -> None:
    with pytest.raises(OverrideError, match=f'{PACKAGE}."a b": expected an absolute'):
        load(tmp_path, f"[{PACKAGE}]\n'a b' = {value}\n")


@pytest.mark.parametrize("text", ["a = ", "a = 1\na = 2", "é = 1"])
def test_what_is_no_toml_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(OverrideError, match=r"Overrides\.toml:[12]: expected TOML"):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("line", "back"),
    [
        (f"{A} = /no/quotes", f"--remove {A}"),
        (f'"{A}" = "/not/closed', f"--remove {A}"),
        (f"{B} = '/b'", f"--remove {B}"),  # a second time
        (f"[{PACKAGE}]\n'a b' = /no/quotes", f"--remove 'a b' --uuid {PACKAGE}"),
    ],
)
def test_the_line_that_is_no_toml_can_be_taken_back(
    line: str, back: str, tmp_path: Path
) -> None:
    folder = tmp_path / "depot/artifacts"
    folder.mkdir(parents=True)
    file = folder / "Overrides.toml"
    text = f"# \N{PILE OF POO}\n{B} = '/b'\n\n{line}\n"
    file.write_text(text, "utf-8")
    with pytest.raises(OverrideError) as raised:
        load_overrides([folder])
    number = text.count("\n")
    assert f"{file}:{number}: expected TOML" in str(raised.value)
    command = f"`fetch-artifacts override {back} --depot {tmp_path}/depot`"
    assert str(raised.value).endswith(f"or take it back: {command}")

    _, key, *uuid = shlex.split(back)
    assert remove_override(folder, key, uuid=uuid[1] if uuid else None)
    left = {} if key == str(B) else {B: Path("/b")}
    assert load_overrides([folder]).by_hash == left
    assert file.read_text("utf-8").startswith("# \N{PILE OF POO}\n")


@pytest.mark.parametrize(
    "content", [b"a = '/x'\nnonsense\n", b"\na = /x", b"a = ''\n\xff = 1"]
)
def test_a_line_that_states_nothing_is_named_all_the_same(
    content: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "Overrides.toml"
    file.write_bytes(content)
    with pytest.raises(OverrideError, match=r"toml:2: .*; correct the line, or delete"):
        load_overrides([tmp_path])
    with pytest.raises(OverrideError, match="expected TOML"):
        remove_override(tmp_path, str(A))
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    ("text", "back"),
    [
        (f"{A} = '{A}'\n", f"--remove {A}"),
        (f"[{PACKAGE}]\nx = 'relative'\n", f"--remove x --uuid {PACKAGE}"),
    ],
)
def test_what_is_broken_in_a_later_depot_is_taken_back_there(
    text: str, back: str, tmp_path: Path
) -> None:
    folders = [tmp_path / f"{depot}/artifacts" for depot in ("own", "system")]
    for folder in folders:
        folder.mkdir(parents=True)
    (folders[1] / "Overrides.toml").write_text(text)
    with pytest.raises(OverrideError) as raised:
        load_overrides(folders).resolve(A)
    assert f"`fetch-artifacts override {back} --depot {tmp_path}/system`" in str(
        raised.value
    )


def test_what_julia_ignores_is_not_in_effect(tmp_path: Path) -> None:
    load(tmp_path, f"{A} = 'relative/x'\n{B} = '/b'\n")
    assert list(overrides_in_effect([tmp_path / "0"])) == [(None, str(B))]


def test_a_file_that_comes_changes_or_goes_is_seen(tmp_path: Path) -> None:
    assert load_overrides([tmp_path]).resolve(A) is None
    file = tmp_path / "Overrides.toml"
    file.write_text(f"{A} = '/b'\n", "utf-8")
    assert load_overrides([tmp_path]).resolve(A) == Path("/b")
    file.write_text(f"{A} = '/c'\n", "utf-8")
    assert load_overrides([tmp_path]).resolve(A) == Path("/c")
    file.unlink()
    assert load_overrides([tmp_path]).resolve(A) is None


def test_files_are_read_once_while_they_stay_as_they_are(
    tmp_path: Path, later: Callable[[], None]
) -> None:
    file = tmp_path / "Overrides.toml"
    file.write_text(f"{A} = '/b'\n", "utf-8")
    later()
    assert load_overrides([tmp_path]) is load_overrides([str(tmp_path)])


# --- writing


def test_overrides_are_written_as_julia_writes_toml(tmp_path: Path) -> None:
    folder = tmp_path / "depot/artifacts"
    set_override(folder, str(B).upper(), A)
    set_override(folder, str(A), Path("/opt/a"))
    set_override(folder, "my lib", "/opt/lib", uuid=PACKAGE.upper())
    set_override(folder, "other", "", uuid=uuid.UUID(PACKAGE))
    assert (folder / "Overrides.toml").read_text("utf-8") == (
        f'{A} = "/opt/a"\n{B} = "{A}"\n\n'
        f'[{PACKAGE}]\n"my lib" = "/opt/lib"\nother = ""\n'
    )
    assert [path.name for path in folder.iterdir()] == ["Overrides.toml"]


def test_an_override_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "Overrides.toml").write_text(f"{str(A).upper()} = '/old'\n", "utf-8")
    set_override(tmp_path, str(A), "/new")
    assert load_overrides([tmp_path]).by_hash == {A: Path("/new")}


def test_removing_tells_whether_there_was_something(tmp_path: Path) -> None:
    set_override(tmp_path, str(A), "/a")
    set_override(tmp_path, "lib", "/lib", uuid=PACKAGE)
    assert remove_override(tmp_path, "lib", uuid=PACKAGE)
    assert not remove_override(tmp_path, "lib", uuid=PACKAGE)
    assert (tmp_path / "Overrides.toml").read_text("utf-8") == f'{A} = "/a"\n'
    assert remove_override(tmp_path, str(A).upper())
    assert (tmp_path / "Overrides.toml").read_text("utf-8") == ""
    assert not remove_override(tmp_path / "gone", str(A))


def test_the_list_has_every_line_of_every_depot(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    set_override(second, str(A), "/a")
    set_override(first, "lib", B, uuid=PACKAGE)
    set_override(first, str(A), "")
    file = first / "Overrides.toml"
    assert list_overrides([first, second, tmp_path / "gone"]) == (
        StatedOverride(path=file, package=None, key=str(A), value=""),
        StatedOverride(path=file, package=PACKAGE, key="lib", value=str(B)),
        StatedOverride(
            path=second / "Overrides.toml", package=None, key=str(A), value="/a"
        ),
    )


@pytest.mark.parametrize(
    ("key", "value", "package", "message"),
    [
        (str(A), "relative", None, f"override of {A}: expected an absolute path"),
        ("lib", "/x", None, "to override a name, give the package's UUID too"),
        ("lib", "/x", "no-uuid", "expected a package's UUID, found 'no-uuid'"),
    ],
)
def test_an_override_that_means_nothing_is_not_written(
    key: str, value: str, package: str | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(OverrideError, match=message):
        set_override(tmp_path / "artifacts", key, value, uuid=package)
    assert list((tmp_path / "artifacts").glob("*")) == []


def test_to_follow_a_chain_takes_as_many_steps_as_it_has() -> None:
    def chain(count: int) -> Overrides:
        hashes = [TreeHash(number.to_bytes(20, "big")) for number in range(count + 1)]
        return Overrides(by_hash=dict(pairwise(hashes)), by_name={})

    def end(overrides: Overrides) -> object:
        return overrides.resolve(TreeHash(bytes(20)))

    assert end(chain(10_000)) == TreeHash((10_000).to_bytes(20, "big"))
    assert growth(end, chain(100), chain(400)) < 5


def test_a_path_of_any_length_is_a_folder_that_is_missing(
    depot: Path, tmp_path: Path
) -> None:
    published = publish(tmp_path / "published")
    for path in ("/" + "x" * 300, "/" + "x/" * 5_000, "/x\\u0000y"):
        make_tree(depot / "artifacts", {"Overrides.toml": f'{TREE_HASH} = "{path}"\n'})
        with pytest.raises(OverrideError, match="there is no folder"):
            artifact("Demo", published.toml)
        assert not artifact_exists("Demo", published.toml)
