"""Platforms, triplets and the choice among entries. Julia: ``Base.BinaryPlatforms``."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = [
    "CompareStrategy",
    "Platform",
    "arch",
    "as_platform",
    "call_abi",
    "compare_default",
    "compare_minor_version",
    "compare_version_cap",
    "first_difference",
    "host_platform",
    "libc",
    "os",
    "parse_dl_name_version",
    "platform_dlext",
    "platform_name",
    "platforms_match",
    "select_platform",
    "valid_dl_path",
    "wordsize",
]

if TYPE_CHECKING:
    from fetch_artifacts.platforms.accessors import (
        arch,
        call_abi,
        libc,
        os,
        parse_dl_name_version,
        platform_dlext,
        platform_name,
        valid_dl_path,
        wordsize,
    )
    from fetch_artifacts.platforms.host import host_platform
    from fetch_artifacts.platforms.matching import (
        first_difference,
        platforms_match,
        select_platform,
    )
    from fetch_artifacts.platforms.platform import Platform, as_platform
    from fetch_artifacts.platforms.versions import (
        CompareStrategy,
        compare_default,
        compare_minor_version,
        compare_version_cap,
    )
else:  # most artifacts suit every platform: nothing here is needed for them
    _HOMES = {
        **dict.fromkeys(("Platform", "_make", "as_platform"), "platform"),
        **dict.fromkeys(
            ("first_difference", "platforms_match", "select_platform"), "matching"
        ),
        "host_platform": "host",
        "CompareStrategy": "versions",
        "compare_default": "versions",
        "compare_minor_version": "versions",
        "compare_version_cap": "versions",
    }

    def __getattr__(name: str) -> object:
        """Import what is asked for (PEP 562)."""
        import importlib

        if name not in __all__ and name not in _HOMES:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        home = _HOMES.get(name, "accessors")
        value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
        return globals().setdefault(name, value)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
