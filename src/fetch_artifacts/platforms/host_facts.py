"""The platform that entries are chosen for, and the source of each of its tags."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.errors import PlatformError, SettingsError
from fetch_artifacts.julia_process import julia_behind_juliacall
from fetch_artifacts.platforms import julia_host, machine
from fetch_artifacts.platforms.platform import Platform
from fetch_artifacts.settings.environment import Settings
from fetch_artifacts.settings.pyproject import project_table

if TYPE_CHECKING:
    from collections.abc import Iterator

_MACHINE: Final = "this machine"
_JULIA_BUILDS: Final = "current official Julia builds"

# What current official builds of Julia bundle: GCC's libraries of a version for which
# host_triplet() says this (binaryplatforms.jl:853-998).
_BUNDLED: Final = {
    "libgfortran_version": "5.0.0",
    "cxxstring_abi": "cxx11",
    "libstdcxx_version": "3.4.30",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TagFact:
    """One tag of the host.

    Attributes:
        tag: Its name.
        value: Its value.
        source: Where the value comes from, in words.
    """

    tag: str
    value: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """The host's platform with the source of each tag.

    Attributes:
        platform: The platform, taken for a host's (`Platform.as_host`).
        tags: Its tags, in the order of ``platform.tags``.
    """

    platform: Platform
    tags: tuple[TagFact, ...]

    @property
    def triplet(self) -> str:
        """The platform's text form."""
        return self.platform.triplet


def host_facts() -> HostFacts:
    """The platform to choose entries for, and where each of its tags comes from.

    Artifacts are shared with a Julia, which brings its own compiler libraries. So the
    first of these that exists decides all tags:

    1. the Julia in this process, where juliacall has started one; in a fork of that
       process, and in a thread before the main one asked, the same Julia's executable
    2. FETCH_ARTIFACTS_PLATFORM
    3. ``platform`` under ``[tool.fetch-artifacts]`` in the nearest pyproject.toml above
       the Artifacts.toml in use, or else above the working directory
    4. the Julia on PATH, asked once
    5. this machine, with the libraries of current official Julia builds

    Raises:
        SettingsError: The setting or the file has no triplet for a platform.
    """
    settings = Settings.from_environ()
    named = next(_named_platforms(settings), None)
    if named is None:
        return _machine_facts()
    return facts_of(*named)


def facts_of(platform: Platform, source: str) -> HostFacts:
    """The facts of a platform all of whose tags come from one source."""
    return _facts(platform, dict.fromkeys(platform.tags, source))


def _facts(platform: Platform, sources: dict[str, str]) -> HostFacts:
    return HostFacts(
        platform=platform.as_host(),
        tags=tuple(
            TagFact(tag=tag, value=value, source=sources.get(tag, _MACHINE))
            for tag, value in platform.tags.items()
        ),
    )


def _named_platforms(settings: Settings) -> Iterator[tuple[Platform, str]]:
    """What names a whole platform, with its source, best first."""
    if platform := julia_host.running_julia():
        yield platform, "the running Julia"
    if julia := julia_behind_juliacall():
        platform = julia_host.installed_julia(julia, settings.user_cache)
        if platform:
            yield platform, str(julia)
    if settings.platform:
        source = "FETCH_ARTIFACTS_PLATFORM"
        yield _parse_setting(settings.platform, source), source
    if project := platform_of_project(Path.cwd()):
        yield project
    if julia := settings.julia:
        platform = julia_host.installed_julia(julia, settings.user_cache)
        if platform:
            yield platform, str(julia)


def platform_of_project(folder: Path) -> tuple[Platform, str] | None:
    """The platform that the nearest pyproject.toml names, and that file; None if none.

    Raises:
        SettingsError: It names no platform.
    """
    path, table = project_table(folder)
    setting = table.get("platform")
    return None if setting is None else (_parse_setting(setting, path), path)


def _parse_setting(setting: str, source: str) -> Platform:
    try:
        return Platform.parse(setting)
    except PlatformError as error:
        msg = f"{source}: {error}"
        raise SettingsError(msg) from error


def _machine_facts() -> HostFacts:
    os, arch = machine.operating_system(), machine.architecture()
    tags = {"arch": arch, "os": os, **_BUNDLED}
    sources = dict.fromkeys(_BUNDLED, _JULIA_BUILDS)
    if version := machine.os_version():
        tags["os_version"] = version
    if os == "linux":
        program = machine.running_program()
        tags["libc"], call_abi = machine.linux_abi(program)
        if arch.startswith("armv"):
            tags["call_abi"] = call_abi
        library = machine.find_libstdcxx(program)
        if library and (version := machine.libstdcxx_version(library)):
            tags["libstdcxx_version"] = version
            sources["libstdcxx_version"] = str(library)
    elif os != "windows":
        del tags["libstdcxx_version"]  # what clang builds for needs none
    return _facts(Platform.from_entry(tags), sources)
