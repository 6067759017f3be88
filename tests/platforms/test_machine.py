from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

import pytest

from fetch_artifacts.platforms import machine

GLIBC = "/lib64/ld-linux-x86-64.so.2"


def make_program(
    path: Path, loader: str = "", *, bits: int = 64, order: str = "<", machine: int = 62
) -> Path:
    """An ELF file with a first segment that doesn't matter and one for the loader."""
    wide = bits == 64
    text = loader.encode() + b"\0"
    header, entry = (64, 56) if wide else (52, 32)
    at = header + 2 * entry
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]).ljust(
        12, b"\0"
    )
    word = "Q" if wide else "I"
    flags_sizes_counts = (0, header, entry, 2 if loader else 1, 0, 0, 0)
    head = ident + struct.pack(
        f"{order}HHI{word}{word}{word}I6H",
        2,
        machine,
        1,
        0,
        header,
        0,
        *flags_sizes_counts,
    )
    if wide:
        load = struct.pack(f"{order}IIQQQQQQ", 1, 5, 0, 0, 0, at, at, 4096)
        interp = struct.pack(
            f"{order}IIQQQQQQ", 3, 4, at, at, at, len(text), len(text), 1
        )
    else:
        load = struct.pack(f"{order}IIIIIIII", 1, 0, 0, 0, at, at, 5, 4096)
        interp = struct.pack(
            f"{order}IIIIIIII", 3, at, at, at, len(text), len(text), 4, 1
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + load + interp + text)
    return path


def make_libstdcxx(path: Path, *minors: int, machine: int = 62) -> Path:
    make_program(path, machine=machine)
    versions = b"".join(b"GLIBCXX_3.4.%d\0" % minor for minor in minors)
    path.write_bytes(path.read_bytes() + versions)
    return path


class TestLinuxAbi:
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize(
        ("bits", "loader", "abi"),
        [
            (64, GLIBC, ("glibc", "eabi")),
            (64, "/lib/ld-musl-x86_64.so.1", ("musl", "eabi")),
            (64, "/nix/store/x-glibc-2.38/lib/ld-linux-x86-64.so.2", ("glibc", "eabi")),
            (32, "/lib/ld-linux-armhf.so.3", ("glibc", "eabihf")),
            (32, "/lib/ld-linux.so.3", ("glibc", "eabi")),
            (32, "/lib/ld-musl-armhf.so.1", ("musl", "eabihf")),
            (32, "/lib/ld-musl-arm.so.1", ("musl", "eabi")),
        ],
    )
    def test_a_programs_loader_tells_its_abi(
        self, tmp_path: Path, bits: int, order: str, loader: str, abi: tuple[str, str]
    ) -> None:
        program = make_program(tmp_path / "python", loader, bits=bits, order=order)
        assert abi == machine.linux_abi(program, root=tmp_path)

    @pytest.mark.parametrize(
        ("loaders", "libc"),
        [
            ([], "glibc"),
            (["ld-musl-x86_64.so.1"], "musl"),
            (["ld-musl-x86_64.so.1", "ld-linux-x86-64.so.2"], "glibc"),
        ],
    )
    def test_a_program_without_a_loader_gets_the_machines_libc(
        self, tmp_path: Path, loaders: list[str], libc: str
    ) -> None:
        (tmp_path / "lib").mkdir()
        for name in loaders:
            (tmp_path / "lib" / name).touch()
        program = make_program(tmp_path / "python")
        assert libc == machine.linux_abi(program, root=tmp_path)[0]

    @pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF\2"])
    def test_what_is_no_whole_program_counts_as_one_without_a_loader(
        self, tmp_path: Path, content: bytes
    ) -> None:
        program = tmp_path / "python"
        program.write_bytes(content)
        assert machine.linux_abi(program, root=tmp_path) == ("glibc", "eabihf")
        program.unlink()
        assert machine.linux_abi(program, root=tmp_path) == ("glibc", "eabihf")

    def test_a_program_header_that_is_cut_short_names_no_loader(
        self, tmp_path: Path
    ) -> None:
        program = make_program(tmp_path / "python", "/lib/ld-musl-x86_64.so.1")
        program.write_bytes(program.read_bytes()[: 64 + 56 + 20])
        assert machine.linux_abi(program, root=tmp_path)[0] == "glibc"


class TestLibstdcxx:
    def find(self, root: Path) -> Path | None:
        program = make_program(root / "python", GLIBC)
        return machine.find_libstdcxx(program, root=root, prefix=root / "prefix")

    @pytest.mark.parametrize(
        "folder",
        ["prefix/lib", "usr/lib64", "usr/lib", "lib", "usr/lib/x86_64-linux-gnu"],
    )
    def test_it_is_found_where_systems_keep_it(
        self, tmp_path: Path, folder: str
    ) -> None:
        library = make_libstdcxx(tmp_path / folder / "libstdc++.so.6", 30)
        assert library == self.find(tmp_path)

    def test_the_loaders_cache_goes_before_the_usual_folders(
        self, tmp_path: Path
    ) -> None:
        make_libstdcxx(tmp_path / "usr/lib/libstdc++.so.6", 30)
        library = make_libstdcxx(tmp_path / "opt/gcc/libstdc++.so.6", 30)
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc/ld.so.cache").write_bytes(
            b"glibc-ld.so.cache1.1\0libstdc++.so.6\0/gone/libstdc++.so.6\0"
            b"libstdc++.so.6\0/opt/gcc/libstdc++.so.6\0/x/libstdc++.so.6.0.30\0"
        )
        assert library == self.find(tmp_path)

    def test_one_for_another_architecture_is_passed_over(self, tmp_path: Path) -> None:
        make_libstdcxx(tmp_path / "usr/lib64/libstdc++.so.6", 30, machine=183)
        assert self.find(tmp_path) is None

    def test_there_may_be_none(self, tmp_path: Path) -> None:
        assert self.find(tmp_path) is None

    def test_a_program_that_can_not_be_read_finds_none(self, tmp_path: Path) -> None:
        gone = tmp_path / "gone"
        assert machine.find_libstdcxx(gone, root=tmp_path, prefix=tmp_path) is None

    @pytest.mark.parametrize(
        ("minors", "version"),
        [
            ([21, 9, 26], "3.4.26"),
            ([29, 30, 33], "3.4.30"),  # binaryplatforms.jl:857: no higher
            ([17], None),
            ([], None),
        ],
    )
    def test_its_version_is_the_newest_that_julia_knows(
        self, tmp_path: Path, minors: list[int], version: str | None
    ) -> None:
        library = make_libstdcxx(tmp_path / "libstdc++.so.6", *minors)
        assert version == machine.libstdcxx_version(library)

    def test_one_that_can_not_be_read_has_no_version(self, tmp_path: Path) -> None:
        assert machine.libstdcxx_version(tmp_path / "gone") is None


class TestSystem:
    @pytest.mark.parametrize(
        ("name", "system"),
        [
            ("linux", "linux"),
            ("darwin", "macos"),
            ("win32", "windows"),
            ("freebsd14", "freebsd"),
            ("openbsd7", "openbsd"),
            ("sunos5", "linux"),
        ],
    )
    def test_the_system_gets_the_name_julia_gives_it(
        self, monkeypatch: pytest.MonkeyPatch, name: str, system: str
    ) -> None:
        monkeypatch.setattr(sys, "platform", name)
        assert system == machine.operating_system()

    @pytest.mark.skipif(sys.platform == "win32", reason="there is no uname")
    @pytest.mark.parametrize(
        ("uname", "largest", "architecture"),
        [
            ("x86_64", 2**63 - 1, "x86_64"),
            ("x86_64", 2**31 - 1, "i686"),
            ("aarch64", 2**31 - 1, "armv7l"),
            ("armv6l", 2**31 - 1, "armv6l"),
            ("ppc64le", 2**63 - 1, "ppc64le"),
        ],
    )
    def test_the_architecture_is_the_interpreters_not_the_kernels(
        self,
        monkeypatch: pytest.MonkeyPatch,
        uname: str,
        largest: int,
        architecture: str,
    ) -> None:
        result = os.uname_result(("Linux", "host", "6.1.0", "#1", uname))
        monkeypatch.setattr(os, "uname", lambda: result)
        monkeypatch.setattr(sys, "maxsize", largest)
        assert architecture == machine.architecture()

    @pytest.mark.parametrize(
        ("interpreter", "architecture"),
        [("win-amd64", "x86_64"), ("win-arm64", "aarch64"), ("win32", "i686")],
    )
    def test_on_windows_the_interpreters_build_tells_the_architecture(
        self, monkeypatch: pytest.MonkeyPatch, interpreter: str, architecture: str
    ) -> None:
        monkeypatch.setattr(sys, "platform", "win32")
        monkeypatch.setattr("sysconfig.get_platform", lambda: interpreter)
        assert architecture == machine.architecture()

    @pytest.mark.skipif(sys.platform == "win32", reason="there is no uname")
    @pytest.mark.parametrize(
        ("name", "release", "version"),
        [
            ("darwin", "23.1.0", "23.1.0"),
            ("freebsd14", "13.2-RELEASE-p4", "13.2"),
            ("darwin", "unknown", None),
            ("linux", "6.1.0", None),
        ],
    )
    def test_macos_and_freebsd_have_a_version(
        self,
        monkeypatch: pytest.MonkeyPatch,
        name: str,
        release: str,
        version: str | None,
    ) -> None:
        result = os.uname_result((name, "host", release, "#1", "x86_64"))
        monkeypatch.setattr(os, "uname", lambda: result)
        monkeypatch.setattr(sys, "platform", name)
        assert version == machine.os_version()


def test_this_process_has_a_program() -> None:
    assert machine.running_program().is_file()
