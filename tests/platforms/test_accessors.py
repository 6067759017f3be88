"""What Julia's own tests ask (base/test/binaryplatforms.jl, Pkg's of 1.5)."""

from __future__ import annotations

import pytest

from fetch_artifacts import platforms
from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms import (
    Platform,
    parse_dl_name_version,
    platform_dlext,
    valid_dl_path,
    wordsize,
)


def test_the_parts_of_a_platform() -> None:
    arm = Platform("armv7l", "Linux")
    assert platforms.arch(Platform("amd64", "freebsd")) == "x86_64"
    assert platforms.os(arm) == "linux"
    assert platforms.os("aarch64-apple-darwin20") == "macos"
    assert platforms.libc(arm) == "glibc"
    assert platforms.libc(Platform("aarch64", "linux", libc="musl")) == "musl"
    assert platforms.libc(Platform("i686", "Windows")) is None
    assert platforms.call_abi(arm) == "eabihf"
    assert platforms.call_abi(Platform("x86_64", "macos")) is None


@pytest.mark.parametrize(
    ("triplet", "bits"),
    [
        ("i686-linux-gnu", 32),
        ("armv7l-linux-gnueabihf", 32),
        ("armv6l-linux-gnueabihf", 32),
        ("x86_64-apple-darwin", 64),
        ("aarch64-linux-gnu", 64),
        ("x86_64-unknown-freebsd", 64),
        ("powerpc64le-linux-gnu", 64),
    ],
)
def test_the_size_of_a_word(triplet: str, bits: int) -> None:
    assert bits == wordsize(triplet)


@pytest.mark.parametrize(
    ("os", "name", "ending"),
    [
        ("linux", "Linux", "so"),
        ("macos", "macOS", "dylib"),
        ("windows", "Windows", "dll"),
        ("freebsd", "FreeBSD", "so"),
        ("openbsd", "OpenBSD", "so"),
    ],
)
def test_names_of_systems(os: str, name: str, ending: str) -> None:
    platform = Platform("x86_64", os)
    assert name == platforms.platform_name(platform)
    assert ending == platform_dlext(platform)


def test_a_system_without_a_name() -> None:
    with pytest.raises(PlatformError, match="plan9"):
        platforms.platform_name(Platform("vax", "plan9"))


def test_the_ending_on_this_machine() -> None:
    assert platform_dlext() == platform_dlext(platforms.host_platform())


@pytest.mark.parametrize(
    ("path", "os", "found"),
    [
        ("libgfortran.dll", "windows", ("libgfortran", None)),
        ("libgfortran-3.dll", "windows", ("libgfortran", "3.0.0")),
        ("libgfortran-3.4.dll", "windows", ("libgfortran", "3.4.0")),
        ("libgfortran-3.4a.dll", "windows", ("libgfortran-3.4a", None)),
        ("libgfortran.dylib", "macos", ("libgfortran", None)),
        ("libgfortran.3.dylib", "macos", ("libgfortran", "3.0.0")),
        ("libgfortran.3.4.dylib", "macos", ("libgfortran", "3.4.0")),
        ("libgfortran.3.4a.dylib", "macos", ("libgfortran.3.4a", None)),
        ("libgfortran.so", "linux", ("libgfortran", None)),
        ("usr/lib/libgfortran.so.3", "linux", ("libgfortran", "3.0.0")),
        ("libgfortran.so.3.4", "linux", ("libgfortran", "3.4.0")),
        ("libgfortran", "windows", None),
        ("libgfortran", "macos", None),
        ("libgfortran.so.3.4a", "linux", None),
        ("libgfortran", "linux", None),
        ("libbar.so.f.a", "freebsd", None),
    ],
)
def test_names_of_libraries(
    path: str, os: str, found: tuple[str, str | None] | None
) -> None:
    platform = Platform("x86_64", os)
    assert (found is not None) == valid_dl_path(path, platform)
    if found is None:
        with pytest.raises(PlatformError, match="expected a library"):
            parse_dl_name_version(path, platform)
    else:
        assert found == parse_dl_name_version(path, platform)
        assert found == parse_dl_name_version(path, os)
