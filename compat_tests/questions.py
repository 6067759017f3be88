"""What the tests ask real Julia, in words of the domain, with plain Python answers."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from compat_tests.oracle import (
    Choice,
    JuliaError,
    OracleError,
    Transport,
    open_transport,
)

Value: TypeAlias = "str | bytes | int | float | os.PathLike[str]"


@dataclass(frozen=True, slots=True)
class Julia:
    """Julia's artifact system, on the depots that were chosen with `at`.

    A hash is 40 hex digits; a platform is a triplet, ``""`` for the running one, and
    ``"host:" + triplet`` for that one as if it were running. Each method raises
    JuliaError where Julia raises.
    """

    transport: Transport
    depots: tuple[Path, ...] = ()

    def at(self, *depots: Path) -> Julia:
        """The same Julia with these depots as its DEPOT_PATH."""
        return Julia(self.transport, depots)

    def ask(self, verb: str, *arguments: Value) -> list[str]:
        """What oracle.jl's verb of that name answers.

        Raises:
            JuliaError: Julia raised an exception.
            OracleError: Julia crashed, or has no such verb with such arguments.
        """
        depots = b"\0".join(os.fsencode(depot) for depot in self.depots)
        fields = [verb.encode(), depots, *map(_to_bytes, arguments)]
        answer = self.transport.exchange(
            " ".join(base64.b64encode(each).decode() for each in fields)
        )
        status, *values = (
            os.fsdecode(base64.b64decode(each)) for each in answer.split(" ")
        )
        match status:
            case "ok":
                return values
            case "error":
                raise JuliaError(values[0], values[1])
            case _:
                msg = f"{verb}{arguments}: {status} {values}"
                raise OracleError(msg)

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
        """The same with SHA-256; before 1.6 right only without subfolders."""
        return self.ask("sha256_tree_hash", path)[0]

    def artifact_meta(self, name: str, toml: Path, platform: str = "") -> str | None:
        """The entry that is chosen, as TOML text."""
        return _first(self.ask("artifact_meta", name, toml, platform))

    def artifact_hash(self, name: str, toml: Path, platform: str = "") -> str | None:
        return _first(self.ask("artifact_hash", name, toml, platform))

    def artifact_path(self, tree_hash: str, *, honor_overrides: bool = True) -> Path:
        return Path(self.ask("artifact_path", tree_hash, honor_overrides)[0])

    def artifact_exists(self, tree_hash: str, *, honor_overrides: bool = True) -> bool:
        return _flag(self.ask("artifact_exists", tree_hash, honor_overrides))

    def verify_artifact(self, tree_hash: str) -> bool:
        return _flag(self.ask("verify_artifact", tree_hash))

    def remove_artifact(self, tree_hash: str) -> None:
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
        return Path(self.ask("ensure_artifact_installed", name, toml, platform)[0])

    def extract_all_hashes(
        self, toml: Path, platform: str = "", *, include_lazy: bool = False
    ) -> list[str]:
        return self.ask("extract_all_hashes", toml, platform, include_lazy)

    def bind_artifact(
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
        self.ask("unbind_artifact", toml, name, platform)

    def find_artifacts_toml(self, path: Path) -> Path | None:
        found = _first(self.ask("find_artifacts_toml", path))
        return Path(found) if found is not None else None

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
        return self.ask("host_triplet")[0]

    def triplet(self, text: str) -> str:
        """A triplet parsed and printed again."""
        return self.ask("triplet", text)[0]

    def platform_tags(self, triplet: str) -> dict[str, str]:
        """All tags of a triplet, from 1.6 on."""
        values = self.ask("platform_tags", triplet)
        return dict(zip(values[::2], values[1::2], strict=True))

    def platforms_match(self, a: str, b: str) -> bool:
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
def open_julia(choice: Choice = "auto") -> Iterator[Julia]:
    """A Julia to ask, by the transport of that choice.

    Raises:
        NoJuliaError: There is none.
    """
    transport = open_transport(choice)
    try:
        yield Julia(transport)
    finally:
        transport.close()


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
