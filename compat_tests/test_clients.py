"""Packages that use fetch-artifacts 0.1.0, as they are published, on top of ours.

``nox -s clients`` installs jaxace and jaxeffort without their pin on 0.1.0. Their code
is run unedited; in their Artifacts.toml only the addresses and the hashes of archives
are others: archives of the layout that is published, served on loopback. As in the
published ones, everything is in one folder, which 0.1.0 took away.
"""

from __future__ import annotations

import json
import lzma
import os
import re
import shutil
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from fetch_artifacts import artifact
from fetch_artifacts.artifacts_toml.editing import repair
from fetch_artifacts.authoring.doctor import diagnose
from support.published import sha256, tar
from support.trees import Tree

CLIENTS = ("jaxace", "jaxeffort")
PUBLISHED = re.compile(
    r'git-tree-sha1 = "(?P<hash>[0-9a-f]{64})"'
    r'(?P<more>.*?url = ")[^"]+(?P<then>"\s+sha256 = ")(?P=hash)"',
    re.DOTALL,
)
NETWORK = {
    "n_input_features": 1,
    "n_output_features": 1,
    "n_hidden_layers": 1,
    "layers": {"layer_1": {"n_neurons": 2, "activation_function": "tanh"}},
}
# What follows the network's output; jaxeffort's takes one argument more.
POSTPROCESSING = "def postprocessing(params, output, *others):\n    return output + 1\n"


def npy(*shape: int) -> bytes:
    """An array of zeros in NumPy's own format."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(117) + "\n"
    size = 8
    for length in shape:
        size *= length
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header.encode() + bytes(size)


def emulator() -> Tree:
    """A trained network of one number to one number, whose weights are zeros."""
    return {
        "nn_setup.json": json.dumps(NETWORK),
        "weights.npy": npy(7),
        "inminmax.npy": npy(1, 2),
        "outminmax.npy": npy(1, 2),
        "k.npy": npy(1),
        "postprocessing.py": POSTPROCESSING,
    }


def multipoles() -> Tree:
    """What jaxeffort loads for each of three multipoles."""
    tree: Tree = {}
    for multipole in "024":
        for component in ("11", "loop", "ct"):
            for name, content in emulator().items():
                tree[f"{multipole}/{component}/{name}"] = content
        tree[f"{multipole}/biascombination.py"] = "def BiasCombination(b): return b\n"
        tree[f"{multipole}/stochmodel.py"] = "def StochModel(k): return k\n"
    return tree


@pytest.fixture
def site(tmp_path: Path, httpserver: HTTPServer) -> Path:
    """A folder with copies of both packages, whose archives are served here."""
    missing = [name for name in CLIENTS if find_spec(name) is None]
    if missing:
        pytest.skip(f"NOT RUN: {', '.join(missing)} not installed; see nox -s clients")
    for name, tree in zip(CLIENTS, (emulator(), multipoles()), strict=True):
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        package = tmp_path / "site" / name
        shutil.copytree(Path(spec.origin).parent, package)
        data = lzma.compress(tar({f"trained/{path}": it for path, it in tree.items()}))
        httpserver.expect_request(f"/{name}.tar.xz").respond_with_data(data)
        url, digest = httpserver.url_for(f"/{name}.tar.xz"), sha256(data)
        toml = package / "Artifacts.toml"
        text, count = PUBLISHED.subn(
            rf'git-tree-sha1 = "{digest}"\g<more>{url}\g<then>{digest}"',
            toml.read_text("utf-8"),
        )
        assert count >= 2
        toml.write_text(text, "utf-8")
    return tmp_path / "site"


def run(site: Path, expressions: list[str]) -> list[Any]:
    """Import both packages in a new process, and give the values of expressions."""
    code = (
        "import json, numpy, jaxace, jaxeffort\n"
        f"print(json.dumps([{', '.join(expressions)}]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code],
        check=True,
        env={**os.environ, "PYTHONPATH": str(site), "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        text=True,
    )
    values: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return values


def test_published_clients_load_what_they_loaded(site: Path, depot: Path) -> None:
    loaded = (
        "[str(v) for e in jaxeffort.trained_emulators.values() for v in e.values()]"
    )
    first = "next(iter(jaxace.trained_emulators.values()))"
    components, ace, output, listed, path, info, cache, cleared = run(
        site,
        [
            loaded,
            "list(jaxace.trained_emulators)",
            f"{first}.run_emulator(numpy.array([0.5])).tolist()",
            "jaxeffort.list_emulators()",
            "str(jaxeffort.get_emulator_path())",
            "jaxeffort.get_emulator_info('pybird_mnuw0wacdm')",
            "jaxeffort.get_cache_info()",
            "jaxeffort.clear_cache()",
        ],
    )
    assert len(components) == 9
    assert "None" not in components
    assert ace == ["ACE_mnuw0wacdm_sigma8_basis", "ACE_mnuw0wacdm_ln10As_basis"]
    assert len(output) == 1
    assert listed[0] == "pybird_mnuw0wacdm"
    assert Path(path).name == "trained"
    assert Path(path).parents[1] == depot / "artifacts"
    assert (info["cached"], info["has_noise"]) == (True, False)
    assert cache["cache_dir"] == str(depot / "artifacts")
    assert cleared is None


def test_with_the_true_hashes_the_paths_are_julias(site: Path, depot: Path) -> None:
    toml = site / "jaxeffort/Artifacts.toml"
    before = artifact("pybird_mnuw0wacdm", toml)
    repair(toml, [it.fix for it in diagnose(toml) if it.fix])
    after = artifact("pybird_mnuw0wacdm", toml)
    assert before == after / "trained"
    assert after.parent == depot / "artifacts"
