"""Platforms, triplets and the choice among entries. Julia: ``Base.BinaryPlatforms``."""

from fetch_artifacts.platforms.platform import (
    CompareStrategy,
    Platform,
    as_platform,
    compare_default,
    compare_minor_version,
    compare_version_cap,
    first_difference,
    host_platform,
    platforms_match,
    select_platform,
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
