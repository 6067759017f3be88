from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from fetch_artifacts import errors
from fetch_artifacts.digests import Sha256, TreeHash
from fetch_artifacts.errors import FetchArtifactsError

SHA1 = TreeHash(b"\1" * 20)
SHA256 = Sha256(b"\2" * 32)
SAMPLES: list[tuple[FetchArtifactsError, type[Exception]]] = [
    (errors.SettingsError("x"), ValueError),
    (errors.ArtifactsTomlError("x", path=Path("a"), context="b.c"), ValueError),
    (errors.ArtifactsTomlNotFoundError("x", searched=[Path("a")]), FileNotFoundError),
    (errors.BindingExistsError("x", path=Path("a"), name="n"), ValueError),
    (errors.ArtifactNotFoundError("x", name="n"), KeyError),
    (errors.NoMatchingPlatformError("x", name="n"), KeyError),
    (errors.ArtifactFileNotFoundError("x", name="n"), FileNotFoundError),
    (errors.ReadOnlyArtifactError("x"), NotImplementedError),
    (errors.ReadOnlyArtifactError("x"), OSError),
    (errors.TreeHashMismatchError("x", expected=SHA1, actual=SHA1), RuntimeError),
    (errors.TarballHashMismatchError("x", expected=SHA256, actual=SHA256), Exception),
    (errors.DownloadError("x", url="u", status=404), RuntimeError),
    (errors.UnpackError("x", member="m", faults=["f"]), ValueError),
    (errors.ArchiveError("x"), ValueError),
    (errors.PublishError("x"), RuntimeError),
    (errors.UnhashableFileError("x", path=Path("p")), ValueError),
    (errors.InstallError("x", name="n", attempts=[("u", OSError("e"))]), RuntimeError),
    (errors.LockTimeoutError("x", path=Path("p")), TimeoutError),
]


@pytest.mark.parametrize(
    ("error", "builtin"), SAMPLES, ids=[type(error).__name__ for error, _ in SAMPLES]
)
def test_an_error_is_caught_as_its_builtin_and_survives_a_process_border(
    error: FetchArtifactsError, builtin: type[Exception]
) -> None:
    assert isinstance(error, builtin)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error) == error.message
    assert repr(copy.__dict__) == repr(error.__dict__)


def test_a_toml_error_says_file_then_key_then_fault() -> None:
    error = errors.ArtifactsTomlError(
        "expected a string, found 3", path=Path("Artifacts.toml"), context="Foo[2].os"
    )
    assert str(error) == "Artifacts.toml: Foo[2].os: expected a string, found 3"
