from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from fetch_artifacts import (
    artifact,
    artifact_exists,
    errors,
    install_artifacts,
    set_cache_dir,
    tree_hash,
)
from fetch_artifacts.digests import Sha256, TreeHash
from fetch_artifacts.errors import FetchArtifactsError

SHA1 = TreeHash(b"\1" * 20)
SHA256 = Sha256(b"\2" * 32)
SAMPLES: list[tuple[FetchArtifactsError, type[Exception]]] = [
    (errors.ArgumentError("x"), ValueError),
    (errors.ArgumentTypeError("x"), TypeError),
    (errors.NotAFolderError("x", path=Path("p")), NotADirectoryError),
    (errors.NotAFolderError("x", path=Path("p")), FileNotFoundError),
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
    (errors.NotAnArchiveError("x", found="f", todo="t"), ValueError),
    (errors.UnpackError("x", member="m", faults=["f"]).at("u", 1), ValueError),
    (errors.ArchiveError("x"), ValueError),
    (errors.PublishError("x"), RuntimeError),
    (errors.UnhashableFileError("x", path=Path("p")), ValueError),
    (errors.SpecialFileError("p", "a FIFO"), OSError),
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


class _Given:
    """Nothing that any function takes."""


@pytest.mark.usefixtures("depot")
@pytest.mark.parametrize(
    ("call", "builtin", "words"),
    [
        (tree_hash, NotADirectoryError, "found something else"),
        (lambda toml: tree_hash(toml / "nope"), FileNotFoundError, "found nothing"),
        (
            lambda toml: tree_hash(toml.parent, algorithm="md5"),  # type: ignore[arg-type]
            ValueError,
            "expected 'git-sha1' or 'git-sha256', found 'md5'",
        ),
        (
            lambda _: artifact(Path("x")),  # type: ignore[arg-type]
            TypeError,
            "an artifact's name as text, found .*; write 'x'",
        ),
        (lambda toml: artifact_exists(3, toml), TypeError, "name as text, found 3"),  # type: ignore[arg-type]
        (
            lambda toml: install_artifacts(toml, "Big1"),
            TypeError,
            r"expected several names, found one, 'Big1'; write \['Big1'\]",
        ),
        (
            lambda toml: install_artifacts(toml, platform=_Given()),  # type: ignore[arg-type]
            ValueError,
            "expected a Platform or a triplet, found <",
        ),
        (lambda _: artifact("x", 3), TypeError, "toml_path: expected a path, found 3"),  # type: ignore[arg-type]
        (lambda _: set_cache_dir(3), TypeError, "expected a path, found 3"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_argument_is_an_error_of_ours_and_the_builtin_one(
    call: Callable[[Path], object],
    builtin: type[Exception],
    words: str,
    tmp_path: Path,
) -> None:
    toml = tmp_path / "Artifacts.toml"
    toml.write_text("", "utf-8")
    with pytest.raises(FetchArtifactsError, match=words) as caught:
        call(toml)
    assert isinstance(caught.value, builtin)
