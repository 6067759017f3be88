"""Julia installs from a static mirror that a real nginx serves, its sources dead."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fetch_artifacts.conformance.questions import Julia
from fetch_artifacts.julia_process import run_julia
from fetch_artifacts.settings.user import find_julia
from support import nginx
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
    program = find_julia(os.environ.get("JULIA"), os.environ.get("PATH"))
    assert program
    with nginx.nginx(mirror) as url:
        monkeypatch.setenv("JULIA_PKG_SERVER", url)
        path = run_julia(
            program, ["-e", INSTALL, "Demo", str(published.toml)], timeout=300
        )
    assert Path(path.splitlines()[-1]) == depot / "artifacts" / TREE_HASH
    assert julia.verify_artifact(TREE_HASH)
