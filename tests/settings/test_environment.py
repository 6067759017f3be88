from __future__ import annotations

import pytest

from fetch_artifacts.errors import SettingsError
from fetch_artifacts.settings.environment import Settings


@pytest.mark.parametrize("word", ["1", "true", "True", "TRUE", "yes", "y", "T"])
@pytest.mark.parametrize("name", ["FETCH_ARTIFACTS_OFFLINE", "JULIA_PKG_OFFLINE"])
def test_offline_names_the_variable_that_says_so(
    name: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, word)
    assert name == Settings.from_environ().offline


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FETCH_ARTIFACTS_OFFLINE", "perhaps"),
        ("JULIA_PKG_CONCURRENT_DOWNLOADS", "0"),
        ("JULIA_PKG_CONCURRENT_DOWNLOADS", "many"),
    ],
)
def test_a_meaningless_value_names_its_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name}.*{value}"):
        Settings.from_environ()


# Base env.jl:117-129; a mixed-case word is not a boolean there either.
@pytest.mark.parametrize(
    ("value", "expected"),
    [("", None), ("1", True), ("TRUE", True), ("n", False), ("tRUE", False)],
)
def test_ignore_hashes_takes_julias_words(
    value: str, expected: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JULIA_PKG_IGNORE_HASHES", value)
    assert expected is Settings.from_environ().ignores_hashes()
