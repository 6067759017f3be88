"""One question to both languages, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fetch_artifacts.errors import FetchArtifactsError, JuliaError, JuliaThrewError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one language makes of a question.

    Attributes:
        text: The value as text; where it is refused, the error.
        refused: Whether the language refuses to answer.
    """

    text: str
    refused: bool = False

    def agrees(self, other: Answer) -> bool:
        """Whether both are the same value, or both refuse, in whatever words."""
        if self.refused or other.refused:
            return self.refused and other.refused
        return self.text == other.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question, and what both languages answer.

    Attributes:
        file: The Artifacts.toml.
        what: What was asked: ``"hash"``, ``"path"``, and so on.
        name: The artifact's name, "" where the question is of the whole file.
        platform: The triplet that was asked for, "" where it plays no part.
        source: The URL that was installed from, "" in other checks.
        julia: Julia's answer.
        python: Ours.
        skipped: Why the question was not asked, "" where it was.
    """

    file: Path
    what: str
    name: str = ""
    platform: str = ""
    source: str = ""
    julia: Answer = Answer(NOTHING)
    python: Answer = Answer(NOTHING)
    skipped: str = ""

    @property
    def outcome(self) -> str:
        """``"same"``, ``"different"`` or ``"skipped"``."""
        if self.skipped:
            return "skipped"
        return "same" if self.julia.agrees(self.python) else "different"


def answer(ask: Callable[[], str]) -> Answer:
    """Give an answer, be it a value or an error.

    Raises:
        OracleError: Julia crashed, which is not an answer.
        NoJuliaError: It does not start any more.
    """
    try:
        return Answer(ask())
    except JuliaThrewError as error:
        return Answer(str(error), refused=True)
    except JuliaError:
        raise
    except (FetchArtifactsError, OSError, ValueError) as error:
        return Answer(str(error), refused=True)
