"""The platform that entries are chosen for by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fetch_artifacts.platforms.platform import Platform


def host_platform(base: Platform | str | None = None) -> Platform:
    """This machine's platform, or `base` taken for the machine's.

    Julia: ``HostPlatform()`` and ``HostPlatform(base)``. The module
    `fetch_artifacts.platforms.host_facts` says where each tag comes from.

    Raises:
        PlatformError: `base` is not a triplet.
        SettingsError: A setting that names the platform is wrong.
    """
    if base is not None:
        from fetch_artifacts.platforms.platform import as_platform

        return as_platform(base).as_host()
    # Finding out reads settings and files, and may start a Julia.
    from fetch_artifacts.platforms.host_facts import host_facts

    return host_facts().platform


# What help() prints, and what a pickle names, is where users import it from.
for _public in (host_platform,):
    _public.__module__ = __name__.rpartition(".")[0]
