"""``artifact://`` in what data people read with; nox's session "integrations"."""

from __future__ import annotations

import csv
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import fsspec
import pytest

from fetch_artifacts import bind_artifact, create_artifact
from fetch_artifacts.errors import ReadOnlyArtifactError

pytestmark = pytest.mark.filterwarnings("default")  # theirs are theirs


def needs(*packages: str) -> pytest.MarkDecorator:
    missing = [name for name in packages if not find_spec(name)]
    return pytest.mark.skipif(
        bool(missing), reason=f"NOT READ WITH {' AND '.join(packages)}: not installed"
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Four tables of ten rows, which sum up to 780."""
    tables = tmp_path / "tree" / "tables"
    tables.mkdir(parents=True)
    for number in range(4):
        with (tables / f"{number}.csv").open("w", newline="") as file:
            rows = [[10 * number + row] for row in range(10)]
            csv.writer(file).writerows([["a"], *rows])
    return tables.parent


def bound(tree: Path) -> str:
    """Publish a folder as ``Demo``; gives the Artifacts.toml."""
    toml = tree.parent / "project" / "Artifacts.toml"
    toml.parent.mkdir()
    made = create_artifact(tree, tree.parent / "demo.tar.gz")
    url = Path(made["archive_path"]).as_uri()
    bind_artifact(toml, "Demo", made["git_tree_sha1"], url, made["sha256"])
    return str(toml)


@needs("pandas")
def test_pandas(tree: Path, depot: Path) -> None:
    import pandas as pd

    options = {"toml_path": bound(tree)}
    table = pd.read_csv("artifact://Demo/tables/1.csv", storage_options=options)
    assert list(table["a"]) == list(range(10, 20))
    with pytest.raises(ReadOnlyArtifactError):
        table.to_csv("artifact://Demo/new.csv", storage_options=options)


@needs("pandas", "pyarrow")
def test_parquet(tree: Path, depot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas as pd

    pd.DataFrame({"a": range(10)}).to_parquet(tree / "t.parquet")
    monkeypatch.chdir(Path(bound(tree)).parent)
    assert pd.read_parquet("artifact://Demo/t.parquet")["a"].sum() == 45


@needs("dask", "pandas", "pyarrow")
def test_dask_in_other_processes_with_a_depot_of_theirs(
    tree: Path, tmp_path: Path
) -> None:
    # In a process of its own: dask's pool forks, which pytest's threads don't bear.
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\n"
        "from fsspec import register_implementation as register\n"
        "from fetch_artifacts.integrations.fsspec import ArtifactFileSystem\n"
        "import dask.dataframe as dd\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "def elsewhere(depot): os.environ['JULIA_DEPOT_PATH'] = depot\n"
        "if __name__ == '__main__':\n"
        "    toml, here, there = sys.argv[1:]\n"
        "    elsewhere(here)\n"
        "    register('artifact', ArtifactFileSystem, clobber=True)\n"
        "    address, options = 'artifact://Demo/tables/*.csv', {'toml_path': toml}\n"
        "    table = dd.read_csv(address, storage_options=options)\n"
        "    pool = ProcessPoolExecutor(2, initializer=elsewhere, initargs=(there,))\n"
        "    print(table['a'].sum().compute(scheduler='processes', pool=pool))\n"
    )
    depots = [tmp_path / "here", tmp_path / "there"]
    found = subprocess.run(
        [sys.executable, "-W", "ignore", script, bound(tree), *depots],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.stdout.strip(), found.returncode) == ("780", 0), found.stderr
    assert all((depot / "artifacts").is_dir() for depot in depots)


@needs("dask")
def test_the_names_of_dasks_tasks_go_by_the_tree_hash(tree: Path, depot: Path) -> None:
    from dask.bytes import read_bytes

    toml = Path(bound(tree))
    address = "artifact://Demo/tables/1.csv"

    def task() -> object:
        return read_bytes(address, toml_path=str(toml))[1][0][0].key

    before = task()
    assert task() == before
    toml.unlink()
    (tree / "more").touch()
    toml.parent.rmdir()
    bound(tree)
    assert task() != before


@needs("xarray", "zarr")
def test_xarray_and_zarr(tree: Path, depot: Path) -> None:
    import xarray as xr
    import zarr

    data = xr.Dataset({"t": (("x", "y"), [[1.0, 2.0], [3.0, 4.0]])})
    data.to_zarr(tree / "store.zarr")
    options = {"toml_path": bound(tree)}
    address = "artifact://Demo/store.zarr"
    with xr.open_zarr(address, storage_options=options) as found:
        assert found["t"].sum() == 10
    store = zarr.open_group(address, mode="r", storage_options=options)
    assert store["t"][1, 1] == 4.0


@needs("polars")
def test_polars_reads_open_files_and_the_paths_behind_addresses(
    tree: Path, depot: Path
) -> None:
    import polars as pl

    toml = bound(tree)
    with fsspec.open("artifact://Demo/tables/1.csv", toml_path=toml) as file:
        assert pl.read_csv(file)["a"].sum() == 145
    paths = fsspec.open_local("artifact://Demo/tables/*.csv", toml_path=toml)
    assert pl.scan_csv(paths).collect()["a"].sum() == 780


@needs("polars", "pyarrow")
def test_polars_reads_addresses_by_pyarrow(tree: Path, depot: Path) -> None:
    import polars as pl

    pl.DataFrame({"a": range(10)}).write_parquet(tree / "t.parquet")
    table = pl.read_parquet(
        "artifact://Demo/t.parquet",
        storage_options={"toml_path": bound(tree)},
        use_pyarrow=True,
    )
    assert table["a"].sum() == 45


@needs("duckdb")
def test_duckdb_with_a_registered_file_system(tree: Path, depot: Path) -> None:
    import duckdb

    with duckdb.connect() as connection:
        fs = fsspec.filesystem("artifact", toml_path=bound(tree))
        connection.register_filesystem(fs)
        query = "select sum(a) from 'artifact://Demo/tables/*.csv'"
        assert connection.sql(query).fetchall() == [(780,)]
