"""Julia installs from a static mirror, its sources dead: by a real nginx, and on S3."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fetch_artifacts import artifact
from fetch_artifacts.conformance.questions import Julia
from fetch_artifacts.julia_process import run_julia
from fetch_artifacts.settings.user import find_julia
from support import nginx, s3
from support.commands import run
from support.published import TREE as PKG_TREE
from support.published import TREE_HASH, publish, tar

INSTALL = 'using Pkg.Artifacts; print("\\n", ensure_artifact_installed(ARGS...))'


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_julia_installs_from_a_static_mirror(
    compress: Callable[[bytes], bytes],
    julia: Julia,
    tmp_path: Path,
    depot: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if nginx.missing():
        pytest.skip(f"JULIA DID NOT ASK A REAL NGINX: {nginx.missing()}")
    published = publish(tmp_path / "published", compress(tar(PKG_TREE)))
    mirror = tmp_path / "mirror"
    assert run("mirror", mirror, published.toml).exit_code == 0
    published.archive.unlink()
    with nginx.nginx(mirror) as url:
        monkeypatch.setenv("JULIA_PKG_SERVER", url)
        assert install_with_julia(published.toml) == depot / "artifacts" / TREE_HASH
    assert julia.verify_artifact(TREE_HASH)


def test_both_languages_install_from_a_bucket_on_s3_that_all_may_read(
    julia: Julia, tmp_path: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if s3.missing():
        pytest.skip(f"JULIA DID NOT INSTALL FROM S3: needs {s3.missing()}")
    published = publish(tmp_path / "published")
    with s3.bucket(monkeypatch) as url:
        assert run("mirror", "s3://bucket/mirror", published.toml).exit_code == 0
        published.archive.unlink()
        s3.let_all_read()
        monkeypatch.setenv("JULIA_PKG_SERVER", f"{url}/bucket/mirror")
        assert install_with_julia(published.toml) == depot / "artifacts" / TREE_HASH
        assert julia.verify_artifact(TREE_HASH)
        other = tmp_path / "other"
        monkeypatch.setenv("JULIA_DEPOT_PATH", str(other))
        assert artifact("Demo", published.toml) == other / "artifacts" / TREE_HASH


def install_with_julia(toml: Path) -> Path:
    """Let a new process of Julia install ``Demo``; gives the folder."""
    program = find_julia(os.environ.get("JULIA"), os.environ.get("PATH"))
    assert program
    said = run_julia(program, ["-e", INSTALL, "Demo", str(toml)], timeout=300)
    return Path(said.splitlines()[-1])
