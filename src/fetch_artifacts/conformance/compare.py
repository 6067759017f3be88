"""What Julia and Python make of one Artifacts.toml, question by question."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fetch_artifacts import julia_toml, pkg_artifacts
from fetch_artifacts.artifacts_toml.choosing import entry_for, platforms_of
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.artifacts_toml.place import Place
from fetch_artifacts.artifacts_toml.search import package_uuid
from fetch_artifacts.conformance.check import NOTHING, Check, answer
from fetch_artifacts.conformance.installs import compare_installs
from fetch_artifacts.conformance.questions import version_numbers
from fetch_artifacts.depot.installed import locate_entry
from fetch_artifacts.depot.package_overrides import PackageOverrides
from fetch_artifacts.errors import (
    ArtifactNotFoundError,
    FetchArtifactsError,
    JuliaThrewError,
)
from fetch_artifacts.files.regular import open_regular
from fetch_artifacts.platforms.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from fetch_artifacts.conformance.questions import Julia, Value


@dataclass(frozen=True, slots=True)
class Wanted:
    """A platform to compare for.

    Attributes:
        platform: The platform, as ours chooses with it.
        question: What Julia is asked with: "" for the platform that it runs on.
    """

    platform: Platform
    question: str

    @classmethod
    def of(cls, triplet: str) -> Wanted:
        """Give the platform of a triplet.

        Raises:
            PlatformError: It is not a triplet.
        """
        return cls(Platform.parse(triplet), triplet)

    @classmethod
    def host(cls, julia: Julia) -> Wanted:
        """Give the platform that Julia runs on, which both are to choose for."""
        return cls(Platform.parse(julia.host_triplet()).as_host(), "")

    @property
    def triplet(self) -> str:
        """Its triplet."""
        return self.platform.triplet


def bound_platforms(toml: Path) -> list[Wanted]:
    """Give every platform that some entry of a file is bound for, sorted."""
    triplets = set()
    for name, value in load_artifacts_toml(toml).items():
        if isinstance(value, list):
            try:
                found = platforms_of(value, Place.of(name, toml))
                triplets |= {platform.triplet for platform, _, _ in found}
            except FetchArtifactsError:
                continue  # the check of the entry reports it
    return [Wanted.of(triplet) for triplet in sorted(triplets)]


def names_in(toml: Path) -> list[str]:
    """Give the names that a file binds, none where it can't be read."""
    try:
        return sorted(load_artifacts_toml(toml))
    except FetchArtifactsError:
        return []


class Comparison:
    """Julia and Python on one Artifacts.toml.

    Args:
        julia: The Julia to ask.
        toml: The file, as an absolute path.
    """

    def __init__(self, julia: Julia, toml: Path) -> None:
        self._julia = julia
        self._toml = toml
        self._version = julia.version()
        self._uuid = package_uuid(str(toml)) or ""
        self._packages = PackageOverrides()  # its overrides must not affect others

    def file(self) -> Iterator[Check]:
        """Compare what concerns the file as a whole."""
        toml = self._toml
        yield self._check(
            "names",
            lambda: "\n".join(self._julia.artifact_names(toml)),
            lambda: "\n".join(sorted(load_artifacts_toml(toml))),
        )
        yield self._check(
            "text",
            lambda: self._julia.ask("print_toml", toml.read_bytes())[0],
            lambda: julia_toml.dumps(julia_toml.loads(toml.read_bytes())),
        )

    def platform(self, wanted: Wanted) -> Iterator[Check]:
        """Compare what concerns all names on one platform."""
        if reason := self._unknown(wanted):
            yield self._skipped("downloads", reason, wanted)
            return
        yield self._downloads("downloads", wanted, lazy=False)
        yield self._downloads("downloads with lazy ones", wanted, lazy=True)

    def _downloads(self, what: str, wanted: Wanted, *, lazy: bool) -> Check:
        if version_numbers(self._version) < (1, 6):
            return self._skipped(what, "needs Julia 1.6", wanted)

        def julia() -> str:
            found = self._julia.select_downloadable_artifacts(
                self._toml, wanted.question, include_lazy=lazy
            )
            return "\n".join(found)

        def python() -> str:
            found = pkg_artifacts.select_downloadable_artifacts(
                self._toml, platform=wanted.platform, include_lazy=lazy
            )
            return "\n".join(sorted(found))

        return self._check(what, julia, python, platform=wanted)

    def name(self, name: str, wanted: Wanted) -> Iterator[Check]:
        """Compare what concerns one name on one platform."""
        if reason := self._unknown(wanted):
            yield self._skipped("entry", reason, wanted, name)
            return
        questions: dict[str, tuple[Callable[[], str], Callable[[], str]]] = {
            "entry": (
                lambda: self._julias_meta(name, wanted),
                lambda: self._meta(name, wanted),
            ),
            "hash": (
                lambda: self._julias_hash(name, wanted),
                lambda: self._hash(name, wanted),
            ),
            "path": (
                lambda: self._julias_path(name, wanted),
                lambda: self._path(name, wanted),
            ),
        }
        for what, (julia, python) in questions.items():
            yield self._check(what, julia, python, name=name, platform=wanted)
        yield from self._content(name, wanted)

    def _content(self, name: str, wanted: Wanted) -> Iterator[Check]:
        """Compare the verdicts on an installed tree, where both have its hash."""
        try:
            tree_hash = self._hash(name, wanted)
            found = self._julia.artifact_hash(name, self._toml, wanted.question)
        except FetchArtifactsError:
            return
        if tree_hash != found:
            return
        yield self._check(
            "content",
            lambda: _verdict(self._julia, tree_hash),
            lambda: _verdict(pkg_artifacts, tree_hash),
            name=name,
            platform=wanted,
        )

    def _julias_meta(self, name: str, wanted: Wanted) -> str:
        meta = self._julia.artifact_meta(name, self._toml, wanted.question)
        return NOTHING if meta is None else meta

    def _julias_hash(self, name: str, wanted: Wanted) -> str:
        arguments = (name, self._toml, wanted.question)
        log, values = self._julia.logged("artifact_hash", *arguments)
        return _refuse_logged(log, values)

    def _julias_path(self, name: str, wanted: Wanted) -> str:
        arguments: list[Value] = [name, self._toml, wanted.question, self._uuid]
        log, values = self._julia.logged("place", *arguments)
        return _refuse_logged(log, values)

    def _meta(self, name: str, wanted: Wanted) -> str:
        meta = pkg_artifacts.artifact_meta(name, self._toml, platform=wanted.platform)
        return NOTHING if meta is None else julia_toml.dumps(meta)

    def _hash(self, name: str, wanted: Wanted) -> str:
        try:
            return entry_for(name, self._toml, wanted.platform).git_tree_sha1.lower()
        except ArtifactNotFoundError:
            return NOTHING

    def _path(self, name: str, wanted: Wanted) -> str:
        try:
            entry = entry_for(name, self._toml, wanted.platform)
        except ArtifactNotFoundError:
            return NOTHING
        location = locate_entry(entry, toml=str(self._toml), packages=self._packages)
        return "known once it is installed" if location is None else str(location.path)

    def _unknown(self, wanted: Wanted) -> str:
        """Why this Julia can't be asked for a platform; 1.5 knows no other tags."""
        if not wanted.question or version_numbers(self._version) >= (1, 6):
            return ""
        read = self._julia.triplet(wanted.question)
        if read == wanted.triplet:
            return ""
        return f"Julia {self._version} reads {wanted.triplet} as {read}"

    def _check(
        self,
        what: str,
        julia: Callable[[], str],
        python: Callable[[], str],
        *,
        name: str = "",
        platform: Wanted | None = None,
    ) -> Check:
        return Check(
            file=self._toml,
            what=what,
            name=name,
            platform=platform.triplet if platform else "",
            julia=answer(julia),
            python=answer(python),
        )

    def _skipped(self, what: str, why: str, wanted: Wanted, name: str = "") -> Check:
        return Check(
            file=self._toml,
            what=what,
            name=name,
            platform=wanted.triplet,
            skipped=why,
        )


def compare_file(
    julia: Julia, toml: Path, platforms: Sequence[Wanted], *, install: bool = False
) -> Iterator[Check]:
    """Compare everything about a file.

    Args:
        julia: The Julia to ask.
        toml: The file, as an absolute path.
        platforms: For which platforms to choose entries.
        install: Whether each source of each entry is installed by both, in temporary
            depots.

    Raises:
        OracleError: Julia crashed.
        PlatformError: A triplet is not one.
        SpecialFileError: The file is a FIFO or a device, of which Julia sees no end.
    """
    with contextlib.suppress(FileNotFoundError):  # which both may say
        open_regular(toml).close()
    comparison = Comparison(julia, toml)
    yield from comparison.file()
    for wanted in platforms:
        yield from comparison.platform(wanted)
    for name in names_in(toml):
        for wanted in platforms:
            yield from comparison.name(name, wanted)
    if install:
        yield from compare_installs(julia, toml)


def _refuse_logged(log: str, values: list[str]) -> str:
    """Give the value; an error that Julia logged in place of one is a refusal."""
    if values:
        return values[0]
    if log:
        first_line = log.split("\n", maxsplit=1)[0].removeprefix("┌ Error: ")
        raise JuliaThrewError("logged", first_line.removeprefix("[ Error: "))
    return NOTHING


def _verdict(language: Any, tree_hash: str) -> str:
    if not language.artifact_exists(tree_hash):
        return "not installed"
    return "intact" if language.verify_artifact(tree_hash) else "damaged"
