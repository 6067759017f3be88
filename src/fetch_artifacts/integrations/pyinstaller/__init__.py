"""Tells PyInstaller, by an entry point, where the hook for this package is."""

from __future__ import annotations

from pathlib import Path


def hook_folders() -> list[str]:
    """Give the folder with the hook."""
    return [str(Path(__file__).parent)]
