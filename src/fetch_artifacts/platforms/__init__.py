"""Platforms, triplets and the choice among entries. Julia: ``Base.BinaryPlatforms``."""

import sys

from fetch_artifacts.platforms import versions as _versions
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
from fetch_artifacts.platforms.platform import Platform, _make, as_platform
from fetch_artifacts.platforms.versions import (
    CompareStrategy,
    compare_default,
    compare_minor_version,
    compare_version_cap,
)

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

# What help() prints, and what a pickle names, is where users import it from.
for _name in (*__all__, _make.__name__):
    globals()[_name].__module__ = __name__
# Hosts that were pickled before this was a package name their strategies by this path.
sys.modules["fetch_artifacts.compare_strategies"] = _versions
