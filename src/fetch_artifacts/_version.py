"""The version of this package, read by the build as well, and how to get its extras."""

__version__ = "1.0.0rc1"


def pip_install(extra: str) -> str:
    """Give the command that installs an extra.

    It names the version, because the extras are newer than the release that pip would
    take without it, 0.1.0.
    """
    return f'pip install "fetch-artifacts[{extra}]>={__version__}"'
