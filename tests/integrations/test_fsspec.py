"""``artifact://`` addresses, as what reads through fsspec uses them."""

from __future__ import annotations

import importlib.util
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import fsspec
import pytest
import tomli

from fetch_artifacts import errors
from fetch_artifacts.integrations.fsspec import ArtifactFileSystem
from support.published import TREE_HASH, entry, publish

ROOT = Path(__file__).parents[2]
EVERYTHING = [
    "Demo/bar/bar/foo1",
    "Demo/bar/foo2",
    "Demo/foo3",
    "Demo/foo3_link",
]


@pytest.fixture
def toml(tmp_path: Path, depot: Path) -> Path:
    """An Artifacts.toml that binds an artifact, which no depot has."""
    return publish(tmp_path / "project").toml


@pytest.fixture
def fs(toml: Path) -> ArtifactFileSystem:
    return fsspec.filesystem("artifact", toml_path=toml)  # type: ignore[no-any-return]


def imported(file: Path) -> ModuleType:
    """A module from a file, which the file's folder has no name for."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_address_is_opened_and_the_artifact_installed(
    toml: Path, depot: Path
) -> None:
    with fsspec.open("artifact://Demo/bar/foo2", toml_path=toml) as file:
        assert file.read() == b"world!"
    assert (depot / "artifacts" / TREE_HASH).is_dir()


def test_the_entry_point_leads_to_the_class() -> None:
    project = tomli.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    address = project["entry-points"]["fsspec.specs"]["artifact"]
    assert address == f"{ArtifactFileSystem.__module__}:{ArtifactFileSystem.__name__}"


def test_text_and_compression_are_fsspecs(fs: ArtifactFileSystem) -> None:
    with fs.open("artifact://Demo/bar/foo2", "r", encoding="ascii") as file:
        assert file.read() == "world!"


def test_a_look_at_the_names_installs_nothing(
    fs: ArtifactFileSystem, depot: Path
) -> None:
    assert fs.ls("", detail=False) == ["Demo"]
    assert fs.ls("artifact://") == [
        {"name": "Demo", "size": 0, "type": "directory", "tree_hash": TREE_HASH}
    ]
    assert fs.isdir("Demo")
    assert fs.info("artifact://Demo/")["tree_hash"] == TREE_HASH
    assert fs.ukey("Demo/foo3") == fs.checksum("Demo/foo3") == f"{TREE_HASH}/foo3"
    assert not depot.exists()


def test_ls_lists_a_folder_and_a_file(fs: ArtifactFileSystem) -> None:
    assert sorted(fs.ls("Demo", detail=False)) == [
        "Demo/bar",
        "Demo/foo3",
        "Demo/foo3_link",
    ]
    (file,) = fs.ls("Demo/bar/foo2")
    assert (file["name"], file["type"], file["size"]) == ("Demo/bar/foo2", "file", 6)
    with pytest.raises(FileNotFoundError):
        fs.ls("Demo/nothing")


def test_a_path_is_split_as_artifact_splits_it(fs: ArtifactFileSystem) -> None:
    for path in ("Demo/foo3", "Demo\\foo3"):
        assert fs.info(path)["size"] == 4
        assert fs.cat(path) == b"baz!"
        assert fs.ukey(path) == f"{TREE_HASH}/foo3"


def test_info_follows_links(fs: ArtifactFileSystem) -> None:
    info = fs.info("Demo/foo3_link")
    assert (info["name"], info["type"], info["size"]) == ("Demo/foo3_link", "file", 4)
    assert info["islink"] or os.name == "nt"  # links are unpacked as copies there


def test_glob_and_walk_find_what_is_there(fs: ArtifactFileSystem) -> None:
    assert fs.glob("artifact://Demo/foo*") == ["Demo/foo3", "Demo/foo3_link"]
    assert fs.glob("*") == ["Demo"]
    files = [name for name in fs.find("Demo", maxdepth=3) if "infinite" not in name]
    assert files == EVERYTHING


def test_whole_folders_are_copied_out(fs: ArtifactFileSystem, tmp_path: Path) -> None:
    fs.get("Demo/bar/bar", str(tmp_path / "copy"), recursive=True)
    assert (tmp_path / "copy" / "foo1").read_text() == "Hello"
    assert fs.cat("Demo/foo3") == b"baz!"
    assert fs.cat_file("Demo/foo3", start=1, end=3) == b"az"


def test_open_local_gives_the_path(toml: Path, depot: Path) -> None:
    found = fsspec.open_local("artifact://Demo/foo3", toml_path=toml)
    assert found == str(depot / "artifacts" / TREE_HASH / "foo3")


@pytest.mark.parametrize("path", ["Dema", "Dema/foo3"])
def test_an_unknown_name_is_a_missing_file_for_fsspec(
    fs: ArtifactFileSystem, path: str
) -> None:
    with pytest.raises(FileNotFoundError, match="did you mean 'Demo'") as caught:
        fs.info(path)
    assert isinstance(caught.value, errors.ArtifactNotFoundError)
    with pytest.raises(errors.ArtifactFileNotFoundError):
        fs.open(path)
    assert not fs.exists(path)


def test_a_missing_file_is_one(fs: ArtifactFileSystem) -> None:
    with pytest.raises(FileNotFoundError):
        fs.info("Demo/nothing")
    with pytest.raises(FileNotFoundError):
        fs.open("Demo/nothing")
    with pytest.raises(errors.ArtifactPathError):
        fs.info("Demo/../other")


def test_a_failed_install_is_told(tmp_path: Path, depot: Path) -> None:
    published = publish(tmp_path / "project")
    published.archive.unlink()
    fs = ArtifactFileSystem(published.toml)
    with pytest.raises(errors.InstallError, match=r"demo\.tar\.gz"):
        fs.open("Demo/foo3")


WRITES: dict[str, Callable[[ArtifactFileSystem], object]] = {
    "open": lambda fs: fs.open("Demo/new", "wb"),
    "append": lambda fs: fs.open("Demo/foo3", "ab"),
    "text": lambda fs: fs.open("Demo/new", "w"),
    "write_text": lambda fs: fs.write_text("Demo/new", "x"),
    "pipe": lambda fs: fs.pipe("Demo/new", b"x"),
    "touch": lambda fs: fs.touch("Demo/new"),
    "mkdir": lambda fs: fs.mkdir("Demo/new"),
    "makedirs": lambda fs: fs.makedirs("Demo/new", exist_ok=True),
    "rm": lambda fs: fs.rm("Demo/foo3"),
    "rm_file": lambda fs: fs.rm_file("Demo/foo3"),
    "rmdir": lambda fs: fs.rmdir("Demo/bar"),
    "copy": lambda fs: fs.copy("Demo/foo3", "Demo/new"),
    "mv": lambda fs: fs.mv("Demo/foo3", "Demo/new"),
    "put": lambda fs: fs.put(__file__, "Demo/new"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_nothing_can_be_written(
    fs: ArtifactFileSystem, write: Callable[[ArtifactFileSystem], object]
) -> None:
    for error in (errors.ReadOnlyArtifactError, NotImplementedError, OSError):
        with pytest.raises(error, match="read-only"):
            write(fs)
    assert fs.cat("Demo/foo3") == b"baz!"


def test_what_could_not_be_put_there_is_named(fs: ArtifactFileSystem) -> None:
    with pytest.raises(errors.ReadOnlyArtifactError, match=r"^artifact://Demo/new: "):
        fs.put(__file__, "Demo/new")


def test_a_pickled_file_system_knows_its_file(
    toml: Path, fs: ArtifactFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    again = pickle.loads(pickle.dumps(fs))
    assert again.toml_path == str(toml)
    assert again == fs


def test_a_pickled_file_goes_on_where_it_was(fs: ArtifactFileSystem) -> None:
    with fs.open("Demo/bar/foo2") as file:
        assert file.read(2) == b"wo"
        with pickle.loads(pickle.dumps(file)) as again:
            assert again.read() == b"rld!"
        assert file.read() == b"rld!"


def test_a_pickled_file_is_installed_where_it_is_opened(
    fs: ArtifactFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fs.open("Demo/bar/foo2") as file:
        pickled = pickle.dumps(file)
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(elsewhere))
    with pickle.loads(pickled) as again:
        assert again.read() == b"world!"
    assert (elsewhere / "artifacts" / TREE_HASH).is_dir()


def test_a_platform_chooses_and_its_triplet_does_too(
    tmp_path: Path, depot: Path
) -> None:
    text = entry().replace("[Demo]", '[[Demo]]\nos = "windows"\narch = "x86_64"')
    toml = tmp_path / "Artifacts.toml"
    toml.write_text(text)
    windows = fsspec.filesystem(
        "artifact", toml_path=toml, platform="x86_64-w64-mingw32"
    )
    linux = fsspec.filesystem("artifact", toml_path=toml, platform="x86_64-linux-gnu")
    assert windows.ls("", detail=False) == ["Demo"]
    assert linux.ls("", detail=False) == []
    with pytest.raises(errors.ArtifactNotFoundError, match="no entry for x86_64-linux"):
        linux.info("Demo")
    assert pickle.loads(pickle.dumps(linux)).ls("") == []


def test_the_file_is_that_of_the_module_that_asks(toml: Path) -> None:
    module = toml.parent / "inner" / "asks_for_demo.py"
    module.parent.mkdir()
    module.write_text(
        "import fsspec\n"
        "def ask(): return fsspec.filesystem('artifact').toml_path\n"
        "def read():\n"
        "    with fsspec.open('artifact://Demo/foo3') as file: return file.read()\n"
    )
    asking = imported(module)
    assert asking.ask() == str(toml)
    assert asking.read() == b"baz!"


def test_libraries_on_the_way_are_skipped(toml: Path, tmp_path: Path) -> None:
    # A virtual environment inside a project that has a file of its own.
    other = tmp_path / "other" / ".venv" / "lib" / "site-packages" / "reader"
    other.mkdir(parents=True)
    (tmp_path / "other" / "Artifacts.toml").write_text("")
    (other / "reading.py").write_text(
        "import fsspec\ndef read(url): return fsspec.filesystem('artifact').toml_path\n"
    )
    module = toml.parent / "asks_a_reader.py"
    module.write_text("def ask(reader): return reader.read('artifact://Demo')\n")
    reader, asking = imported(other / "reading.py"), imported(module)
    assert asking.ask(reader) == str(toml)
    (other / "Artifacts.toml").write_text("")  # it has one itself
    assert asking.ask(reader) == str(other / "Artifacts.toml")


def test_without_a_module_it_is_that_of_the_working_directory(toml: Path) -> None:
    code = (
        "from fetch_artifacts.integrations.fsspec import ArtifactFileSystem as A;"
        "print(A().toml_path)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=toml.parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == str(toml)


def test_no_file_at_all_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Project.toml").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.ArtifactsTomlNotFoundError, match="toml_path"):
        fsspec.filesystem("artifact")


def test_fsspecs_configuration_may_name_the_file(
    toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.config import conf

    monkeypatch.setitem(conf, "artifact", {"toml_path": str(toml)})
    assert fsspec.filesystem("artifact").toml_path == str(toml)


def test_an_instance_is_made_once_for_each_file(toml: Path, tmp_path: Path) -> None:
    other = publish(tmp_path / "other").toml
    first = fsspec.filesystem("artifact", toml_path=toml)
    assert fsspec.filesystem("artifact", toml_path=str(toml.parent)) is first
    assert fsspec.filesystem("artifact", toml_path=other) != first
