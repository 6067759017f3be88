"""The machine that this interpreter runs on, probed without starting a process."""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.platforms.elf import elf_target, program_loader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SYSTEMS: Final = {
    "darwin": "macos",
    "win32": "windows",
    "cygwin": "windows",
    "freebsd": "freebsd",
    "openbsd": "openbsd",
}
_WINDOWS_ARCHES: Final = {
    "win-amd64": "x86_64",
    "win-arm64": "aarch64",
    "win32": "i686",
    "win-arm32": "armv7l",
}
# uname tells the kernel's architecture, which may run a 32-bit interpreter.
_NARROW: Final = {"x86_64": "i686", "amd64": "i686", "aarch64": "armv7l"}

# binaryplatforms.jl:857: Julia looks for no other versions.
_LIBSTDCXX_VERSIONS: Final = range(18, 31)
_GLIBCXX: Final = re.compile(rb"GLIBCXX_3\.4\.(\d+)\0")


def operating_system() -> str:
    """The system as a platform tag; any unknown system counts as Linux."""
    # FreeBSD and OpenBSD append their version.
    return _SYSTEMS.get(re.sub(r"(bsd)\d+$", r"\1", sys.platform), "linux")


def architecture() -> str:
    """The interpreter's architecture, by a name that `Platform` understands."""
    if sys.platform == "win32":
        import sysconfig

        return _WINDOWS_ARCHES.get(sysconfig.get_platform(), "x86_64")
    machine = os.uname().machine
    return machine if sys.maxsize > 2**32 else _NARROW.get(machine, machine)


def os_version() -> str | None:
    """The kernel's version on macOS and FreeBSD, None elsewhere."""
    if sys.platform == "win32" or operating_system() not in {"macos", "freebsd"}:
        return None
    match = re.match(r"\d+(?:\.\d+){0,2}", os.uname().release)
    return match[0] if match else None


def running_program() -> Path:
    """The file of this process: the interpreter, or what it is built into."""
    process = Path("/proc/self/exe")
    return process if process.exists() else Path(sys.executable)


def linux_abi(program: Path, *, root: Path = Path("/")) -> tuple[str, str]:
    """The C library and, on 32-bit ARM, the call ABI that a program was built for.

    The name of the program's loader tells both; a program that needs none is
    taken to be like the machine's others.
    """
    try:
        loader = program_loader(program)
    except OSError:
        loader = ""
    names = [loader] if loader else [path.name for path in root.glob("lib/ld-*.so*")]
    musl = bool(names) and all("ld-musl" in name for name in names)
    hard_floats = not names or any("armhf" in name for name in names)
    return "musl" if musl else "glibc", "eabihf" if hard_floats else "eabi"


@cache
def find_libstdcxx(
    program: Path,
    *,
    root: Path = Path("/"),
    prefix: Path = Path(sys.base_prefix),
) -> Path | None:
    """The libstdc++ that a program of this machine would load, None if there is none.

    Args:
        program: A program of the architecture that is wanted.
        root: Where the system's folders are.
        prefix: The interpreter's own folder, which goes first: conda has one there.
    """
    try:
        target = elf_target(program)
        candidates = _libstdcxx_candidates(root, prefix)
        return next((path for path in candidates if _is_for(target, path)), None)
    except OSError:
        return None


def _is_for(target: bytes, path: Path) -> bool:
    try:
        return elf_target(path) == target
    except OSError:
        return False


def _libstdcxx_candidates(root: Path, prefix: Path) -> Iterator[Path]:
    name = "libstdc++.so.6"
    yield prefix / "lib" / name
    cache_file = root / "etc/ld.so.cache"
    if cache_file.is_file():
        for text in cache_file.read_bytes().split(b"\0"):
            if text.endswith(b"/libstdc++.so.6"):
                path = text[text.index(b"/") :]
                yield root / os.fsdecode(path).lstrip("/")
    for folder in ("usr/lib64", "usr/lib", "lib64", "lib"):
        yield root / folder / name
    yield from sorted(root.glob(f"usr/lib/*-linux-*/{name}"))


@cache
def libstdcxx_version(library: Path) -> str | None:
    """The newest version that a libstdc++ has and Julia knows, such as ``3.4.30``.

    None where it has none, or can't be read.
    """
    try:
        found: Iterable[bytes] = _GLIBCXX.findall(library.read_bytes())
    except OSError:
        return None
    minors = {int(minor) for minor in found}.intersection(_LIBSTDCXX_VERSIONS)
    return f"3.4.{max(minors)}" if minors else None
