"""The result of a comparison: as lines, as a table, as JSON, and as JUnit XML."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from fetch_artifacts.terminal.columns import columns_of, padded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fetch_artifacts.conformance.check import Answer, Check

_MARKS: Final = {"same": "same", "different": "DIFFERENT", "skipped": "skipped"}
_LONGEST: Final = 12  # lines of a difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All checks of a run.

    Attributes:
        version: The version of the Julia that was asked.
        way: How it was asked, ``"juliacall"`` or ``"process"``.
        reason: Why in this way.
        checks: The checks, in the order that they were made in.
    """

    version: str
    way: str
    reason: str
    checks: Sequence[Check]

    @property
    def different(self) -> list[Check]:
        """The checks that show a difference."""
        return [check for check in self.checks if check.outcome == "different"]

    def summary(self) -> str:
        """One line: with which Julia, how many checks, and their outcomes."""
        counts = Counter(check.outcome for check in self.checks)
        refused = sum(
            check.julia.refused and check.python.refused for check in self.checks
        )
        outcomes = f"{counts['same']} same"
        if refused:
            outcomes += f" (refused by both: {refused})"
        outcomes += f", {counts['different']} different, {counts['skipped']} skipped"
        return (
            f"Julia {self.version} ({self.way}): {len(self.checks)} checks, {outcomes}"
        )

    def lines(self) -> Iterator[str]:
        """Give one line for each difference, and what else belongs to it below."""
        for check in self.different:
            yield describe(check)

    def table(self) -> Iterator[str]:
        """Give a table with a row for each name and platform."""
        rows: dict[tuple[str, str], dict[str, str]] = {}
        for check in self.checks:
            marks = rows.setdefault((check.name or "(the file)", check.platform), {})
            previous = marks.get(check.what)
            if previous != "different":
                marks[check.what] = check.outcome
        lines = [("artifact", "platform", "checks")]
        for (name, platform), marks in rows.items():
            told = ", ".join(
                what if mark == "same" else f"{what} {_MARKS[mark]}"
                for what, mark in marks.items()
            )
            lines.append((name, platform or "any", told))
        widths = [max(columns_of(line[column]) for line in lines) for column in (0, 1)]
        for name, platform, told in lines:
            yield f"{padded(name, widths[0])}  {padded(platform, widths[1])}  {told}"

    def to_json(self) -> dict[str, Any]:
        """Give everything as values that JSON has."""
        return {
            "julia": self.version,
            "way": self.way,
            "reason": self.reason,
            "summary": self.summary(),
            "checks": [
                {
                    "file": str(check.file),
                    "check": check.what,
                    "name": check.name,
                    "platform": check.platform,
                    "source": check.source,
                    "outcome": check.outcome,
                    "julia": _answer_to_json(check.julia),
                    "python": _answer_to_json(check.python),
                    "reason": check.skipped,
                }
                for check in self.checks
            ],
        }

    def to_junit(self) -> str:
        """Give the XML that CI servers show, one test case for each check."""
        counts = Counter(check.outcome for check in self.checks)
        suite = ET.Element(
            "testsuite",
            name=f"conformance with Julia {self.version}",
            tests=str(len(self.checks)),
            failures=str(counts["different"]),
            skipped=str(counts["skipped"]),
            errors="0",
        )
        for check in self.checks:
            case = ET.SubElement(
                suite, "testcase", classname=str(check.file), name=title(check)
            )
            if check.outcome == "different":
                failure = ET.SubElement(
                    case, "failure", message=_printable(describe(check).split("\n")[0])
                )
                failure.text = _printable(describe(check))
            elif check.outcome == "skipped":
                ET.SubElement(case, "skipped", message=check.skipped)
        root = ET.Element("testsuites")
        root.append(suite)
        ET.indent(root)
        return ET.tostring(root, encoding="unicode", xml_declaration=True)


def title(check: Check) -> str:
    """Name a check: what, of which name, for which platform, from which source."""
    parts = [check.what]
    if check.name:
        parts.append(f"of {check.name}")
    if check.platform:
        parts.append(f"for {check.platform}")
    if check.source:
        parts.append(f"from {check.source}")
    return " ".join(parts)


def describe(check: Check) -> str:
    """Say where a check failed and what each language answers."""
    told = f"{_shown(check.file)}: {title(check)}: "
    julia, python = check.julia, check.python
    if julia.refused or python.refused or "\n" not in julia.text + python.text:
        return f"{told}Julia {_told(julia)}; Python {_told(python)}"
    before, after = julia.text.splitlines(), python.text.splitlines()
    lines = difflib.unified_diff(before, after, "Julia", "Python", n=0, lineterm="")
    changes = [f"  {line}" for line in lines if not line.startswith("@@")]
    if len(changes) > _LONGEST:
        more = len(changes) - _LONGEST
        changes = [*changes[:_LONGEST], f"  and {more} more lines"]
    return "\n".join([f"{told}they differ", *changes])


def _shown(path: Path) -> Path:
    """Shorten a path below the working directory."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _told(answer: Answer) -> str:
    text = " ".join(answer.text.split())
    return f"refuses it ({text})" if answer.refused else f"gives {text or '(nothing)'}"


def _answer_to_json(answer: Answer) -> dict[str, Any]:
    return {"text": answer.text, "refused": answer.refused}


def _printable(text: str) -> str:
    """Spell out what XML can't hold."""
    return "".join(
        each
        if each in "\t\n"
        or (
            (each >= " " and not "\ud800" <= each <= "\udfff")
            and each not in "\ufffe\uffff"
        )
        else f"\\x{ord(each):02x}"
        for each in text
    )
