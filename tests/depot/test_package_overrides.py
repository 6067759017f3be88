from __future__ import annotations

from pathlib import Path

import pytest

from fetch_artifacts.depot.artifacts import locate_tree
from fetch_artifacts.depot.package_overrides import PackageOverrides
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import OverrideError
from support.trees import Tree, make_tree

PACKAGE = "d8e3a1f0-1111-4222-8333-444455556666"
ONE, TWO = (TreeHash.parse(digit * 40) for digit in "12")


@pytest.fixture(autouse=True)
def _overrides(depot: Path) -> None:
    make_tree(depot / "artifacts", {"Overrides.toml": f'[{PACKAGE}]\nData = "/mine"\n'})


def bind(folder: Path, tree_hash: TreeHash | str, uuid: str = PACKAGE) -> str:
    files: Tree = {
        "Project.toml": f'uuid = "{uuid}"\n',
        "Artifacts.toml": f'[Data]\ngit-tree-sha1 = "{tree_hash}"\n',
    }
    return str(make_tree(folder, files) / "Artifacts.toml")


def test_a_name_is_overridden_once_its_package_counts(tmp_path: Path) -> None:
    packages = PackageOverrides()
    assert not locate_tree(ONE, packages=packages).overridden
    location = locate_tree(ONE, toml=bind(tmp_path / "p", ONE), packages=packages)
    assert location.overridden
    assert location.paths == (Path("/mine"),)
    assert locate_tree(ONE, packages=packages) == location


def test_another_object_and_the_process_are_left_as_they_are(tmp_path: Path) -> None:
    PackageOverrides().add_file(bind(tmp_path / "p", ONE))
    assert not locate_tree(ONE, packages=PackageOverrides()).overridden
    assert not locate_tree(ONE).overridden


def test_all_trees_that_a_name_was_bound_to_stay_overridden(tmp_path: Path) -> None:
    packages = PackageOverrides()
    for tree_hash in (ONE, TWO):
        packages.add(PACKAGE.upper(), {"Data": {"git-tree-sha1": str(tree_hash)}})
    found = packages.present()
    assert found.resolve(ONE) == found.resolve(TWO) == Path("/mine")


def test_a_file_of_another_package_or_of_none_overrides_nothing(
    tmp_path: Path,
) -> None:
    packages = PackageOverrides()
    packages.add_file(bind(tmp_path / "p", ONE, PACKAGE.replace("d", "e")))
    packages.add_file(str(tmp_path / "no project" / "Artifacts.toml"))
    assert packages.present().by_hash == {}


def test_an_overridden_entry_without_a_hash_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OverrideError, match=r"Data: it is overridden"):
        PackageOverrides().add_file(bind(tmp_path / "p", "no hash"))
