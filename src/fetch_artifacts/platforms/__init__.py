"""Platforms, triplets and the choice among entries. Julia: ``Base.BinaryPlatforms``."""

import sys

from fetch_artifacts.platforms import versions as _versions
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
    "as_platform",
    "compare_default",
    "compare_minor_version",
    "compare_version_cap",
    "first_difference",
    "host_platform",
    "platforms_match",
    "select_platform",
]

# What help() prints, and what a pickle names, is where users import it from.
for _name in (*__all__, _make.__name__):
    globals()[_name].__module__ = __name__
# Hosts that were pickled before this was a package name their strategies by this path.
sys.modules["fetch_artifacts.compare_strategies"] = _versions
