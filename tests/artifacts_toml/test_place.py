from __future__ import annotations

from typing import Any

import pytest

from fetch_artifacts.artifacts_toml.choosing import (
    artifact_hash,
    extract_all_hashes,
    select_downloadable_artifacts,
)
from fetch_artifacts.errors import (
    ArtifactsTomlError,
)
from fetch_artifacts.platforms import Platform

LINUX = Platform.parse("x86_64-linux-gnu-libgfortran5-cxx11").as_host()


def test_an_error_names_the_element_of_an_array_that_it_is_about() -> None:
    element = {"os": "linux", "arch": "x86_64"}
    table: dict[str, Any] = {
        "a": [{**element, "libc": "musl"}, {**element, "git-tree-sha1": "zz"}]
    }
    with pytest.raises(ArtifactsTomlError, match=r"a\[2\]\.git-tree-sha1: expected"):
        artifact_hash("a", table, platform=LINUX)
    with pytest.raises(ArtifactsTomlError, match=r"a\[2\]\.git-tree-sha1: expected"):
        extract_all_hashes(table, platform=LINUX)
    table["a"][1] |= {"lazy": 3, "download": []}
    with pytest.raises(ArtifactsTomlError, match=r"a\[2\]\.lazy: expected true or"):
        select_downloadable_artifacts(table, platform=LINUX)
