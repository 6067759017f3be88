"""What real Julia is asked, in words of the domain, with plain Python answers."""

from __future__ import annotations

import base64
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from fetch_artifacts.conformance.transports import TIMEOUT, open_transport
from fetch_artifacts.errors import JuliaThrewError, OracleError
from fetch_artifacts.pkg_artifacts import depot_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fetch_artifacts.conformance.transports import Transport

Value: TypeAlias = "str | bytes | int | float | os.PathLike[str]"
Question: TypeAlias = "Sequence[Value]"
"""A verb of oracle.jl and its arguments."""


Answer: TypeAlias = "list[str] | JuliaThrewError"


@dataclass(frozen=True, slots=True)
class Julia:
    """Julia's artifact system, on the depots that were chosen with `at`.

    A hash is 40 hex digits; a platform is a triplet, ``""`` for the running one, and
    ``"host:" + triplet`` for that one as if it were running. Each method raises
    JuliaThrewError where Julia throws.

    Attributes:
        transport: The way to it.
        way: ``"juliacall"`` or ``"process"``.
        reason: Why it is that one.
        depots: Its DEPOT_PATH; None: what this process has when a question is asked.
    """

    transport: Transport
    way: str = ""
    reason: str = ""
    depots: tuple[Path, ...] | None = None

    def at(self, *depots: Path) -> Julia:
        """Give the same Julia with these depots as its DEPOT_PATH."""
        return replace(self, depots=depots)

    def ask(self, verb: str, *arguments: Value) -> list[str]:
        """Give what oracle.jl's verb of that name answers.

        Raises:
            JuliaThrewError: Julia threw an exception.
            OracleError: Julia crashed, or has no such verb with such arguments.
        """
        request = self._request(verb, arguments)
        return _values(self.transport.exchange(request), verb, arguments)

    def ask_all(
        self, questions: Sequence[Question]
    ) -> list[list[str] | JuliaThrewError]:
        """Ask many questions at once; an exception of Julia's is an answer here.

        Raises:
            OracleError: Julia crashed, or a question makes no sense.
        """
        requests = [self._request(str(verb), rest) for verb, *rest in questions]
        answers: list[Answer] = []
        for (verb, *rest), answer in zip(
            questions, self.ask("batch", *requests), strict=True
        ):
            try:
                answers.append(_values(answer, str(verb), rest))
            except JuliaThrewError as error:
                answers.append(error)
        return answers

    def _request(self, verb: str, arguments: Sequence[Value]) -> str:
        depots = depot_path() if self.depots is None else self.depots
        joined = b"\0".join(os.fsencode(depot) for depot in depots)
        fields = [verb.encode(), joined, *map(_to_bytes, arguments)]
        return " ".join(base64.b64encode(each).decode() for each in fields)

    def seconds(self, verb: str, *arguments: Value, number: int = 1) -> float:
        """The seconds that one call takes inside Julia, the mean of several."""
        return float(self.ask("seconds", number, verb, *arguments)[0])

    def version(self) -> str:
        """The version as Julia prints it: ``"1.12.5"``, ``"1.14.0-DEV.12"``."""
        return self.ask("version")[0]

    def program(self) -> str:
        """The path of the running Julia."""
        return self.ask("program")[0]

    def capabilities(self) -> list[str]:
        """The verbs that this Julia has."""
        return self.ask("capabilities")

    def tree_hash(self, path: Path) -> str:
        """Julia: ``Pkg.GitTools.tree_hash``."""
        return self.ask("tree_hash", path)[0]

    def sha256_tree_hash(self, path: Path) -> str:
        """The same with SHA-256, from 1.6 on."""
        return self.ask("sha256_tree_hash", path)[0]

    def artifact_meta(self, name: str, toml: Path, platform: str = "") -> str | None:
        """The entry that is chosen, as TOML text."""
        return _first(self.ask("artifact_meta", name, toml, platform))

    def artifact_hash(self, name: str, toml: Path, platform: str = "") -> str | None:
        """The git-tree-sha1 of the entry that is chosen."""
        return _first(self.ask("artifact_hash", name, toml, platform))

    def artifact_path(self, tree_hash: str, *, honor_overrides: bool = True) -> Path:
        """Where a tree is, or would be."""
        return Path(self.ask("artifact_path", tree_hash, honor_overrides)[0])

    def artifact_exists(self, tree_hash: str, *, honor_overrides: bool = True) -> bool:
        """Whether a tree is there."""
        return _flag(self.ask("artifact_exists", tree_hash, honor_overrides))

    def verify_artifact(self, tree_hash: str) -> bool:
        """Whether an installed tree has its hash."""
        return _flag(self.ask("verify_artifact", tree_hash))

    def remove_artifact(self, tree_hash: str) -> None:
        """Delete an installed tree."""
        self.ask("remove_artifact", tree_hash)

    def archive_artifact(self, tree_hash: str, tarball: Path) -> str:
        """The sha256 of the archive that was written."""
        return self.ask("archive_artifact", tree_hash, tarball)[0]

    def create_artifact(self, folder: Path) -> str:
        """The hash of a new artifact that is a copy of a folder."""
        return self.ask("create_artifact", folder)[0]

    def ensure_artifact_installed(
        self, name: str, toml: Path, platform: str = ""
    ) -> Path:
        """Install from the sources that the file names; return the folder."""
        return Path(self.ask("ensure_artifact_installed", name, toml, platform)[0])

    def extract_all_hashes(
        self, toml: Path, platform: str = "", *, include_lazy: bool = False
    ) -> list[str]:
        """The hashes of all names that have an entry for the platform."""
        return self.ask("extract_all_hashes", toml, platform, include_lazy)

    def bind_artifact(  # noqa: PLR0913 - Julia's parameters
        self,
        toml: Path,
        name: str,
        tree_hash: str,
        *,
        downloads: Sequence[tuple[str, str]] = (),
        platform: str = "",
        lazy: bool = False,
        force: bool = False,
    ) -> None:
        """Bind a name; ``downloads`` are pairs of url and sha256."""
        sources = [part for pair in downloads for part in pair]
        self.ask(
            "bind_artifact", toml, name, tree_hash, platform, lazy, force, *sources
        )

    def unbind_artifact(self, toml: Path, name: str, platform: str = "") -> None:
        """Remove a name, or its entry for one platform, from a file."""
        self.ask("unbind_artifact", toml, name, platform)

    def find_artifacts_toml(self, path: Path) -> Path | None:
        """The file that belongs to a source file or folder."""
        found = _first(self.ask("find_artifacts_toml", path))
        return Path(found) if found is not None else None

    def artifact_names(self, toml: Path) -> list[str]:
        """The names that a file binds."""
        return self.ask("artifact_names", toml)

    def place(
        self, name: str, toml: Path, platform: str = "", *, pkg_uuid: str = ""
    ) -> Path | None:
        """Where the tree of a name is, by what is overridden for a package too."""
        found = _first(self.ask("place", name, toml, platform, pkg_uuid))
        return Path(found) if found is not None else None

    def select_downloadable_artifacts(
        self, toml: Path, platform: str = "", *, include_lazy: bool = False
    ) -> list[str]:
        """The names to be downloaded, from 1.6 on."""
        return self.ask("select_downloadable_artifacts", toml, platform, include_lazy)

    def logged(self, verb: str, *arguments: Value) -> tuple[str, list[str]]:
        """What Julia logs as an error meanwhile, and the answer."""
        log, *values = self.ask("logged", verb, *arguments)
        return log, values

    def gc(self) -> None:
        """Collect at once whatever no Artifacts.toml in the usage log names."""
        self.ask("gc")

    def print_toml(self, text: str) -> str:
        """TOML text read, and written as Julia does with ``sorted = true``."""
        return self.ask("print_toml", text)[0]

    def depot_path(self, home: Path, value: str | None) -> list[str]:
        """DEPOT_PATH of a Julia started with this JULIA_DEPOT_PATH, None for unset."""
        return self.ask("depot_path", home, *([] if value is None else [value]))

    def host_triplet(self) -> str:
        """The running platform, in today's order of tags."""
        return self.ask("host_triplet")[0]

    def triplet(self, text: str) -> str:
        """A triplet parsed and printed again."""
        return self.ask("triplet", text)[0]

    def platform_tags(self, triplet: str) -> dict[str, str]:
        """All tags of a triplet, from 1.6 on."""
        values = self.ask("platform_tags", triplet)
        return dict(zip(values[::2], values[1::2], strict=True))

    def platforms_match(self, a: str, b: str) -> bool:
        """Whether what is built for the one suits the other."""
        return _flag(self.ask("platforms_match", a, b))

    def select_platform(self, want: str, have: Sequence[str]) -> str | None:
        """The triplet among ``have`` that Julia chooses for ``want``."""
        return _first(self.ask("select_platform", want, *have))

    def tar_create(
        self, folder: Path, tarball: Path, *, portable: bool = False
    ) -> None:
        """Julia: ``Tar.create``, from 1.6 on."""
        self.ask("tar_create", folder, tarball, portable)

    def tar_extract(self, tarball: Path, folder: Path) -> None:
        """Julia: ``Tar.extract``, from 1.6 on."""
        self.ask("tar_extract", tarball, folder)

    def tar_tree_hash(
        self, tarball: Path, *, algorithm: str = "git-sha1", skip_empty: bool = False
    ) -> str:
        """Julia: ``Tar.tree_hash``, from 1.6 on."""
        return self.ask("tar_tree_hash", tarball, algorithm, skip_empty)[0]

    def slash_lookup(
        self, name: str, toml: Path, platform: str = ""
    ) -> tuple[str, str, str]:
        """Name, path inside and hash of ``name/sub/path``, from 1.6 on."""
        found, tail, tree_hash = self.ask("slash_lookup", name, toml, platform)
        return found, tail, tree_hash


@contextmanager
def open_julia(
    choice: str | None = None,
    *,
    timeout: float = TIMEOUT,
    tell: Callable[[str], None] | None = None,
) -> Iterator[Julia]:
    """Start a Julia to ask, and end it; the arguments are those of `open_transport`.

    Raises:
        NoJuliaError: There is none.
        OracleError: It crashed at its start.
        SettingsError: An environment variable has a value that means nothing.
    """
    opened = open_transport(choice, timeout=timeout, tell=tell or (lambda _text: None))
    try:
        yield Julia(opened.transport, opened.way, opened.reason)
    finally:
        opened.transport.close()


def _values(answer: str, verb: str, arguments: Sequence[Value]) -> list[str]:
    status, *values = (
        os.fsdecode(base64.b64decode(each)) for each in answer.split(" ")
    )
    match status:
        case "ok":
            return values
        case "error":
            raise JuliaThrewError(*values[:2], log="".join(values[2:]))
        case _:
            msg = f"{verb}{tuple(arguments)}: {status} {values}"
            raise OracleError(msg)


def version_numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version: ``"1.14.0-DEV.12"`` gives (1, 14, 0)."""
    release, _, _ = version.partition("-")
    return tuple(int(number) for number in re.findall(r"\d+", release))


def _to_bytes(value: Value) -> bytes:
    match value:
        case bool():
            return b"true" if value else b"false"
        case int() | float():
            return str(value).encode()
        case _:
            return os.fsencode(value)


def _first(values: Sequence[str]) -> str | None:
    return values[0] if values else None


def _flag(values: Sequence[str]) -> bool:
    return {"true": True, "false": False}[values[0]]
