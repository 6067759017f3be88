"""Tells PyInstaller what it does not see by itself; it finds this by an entry point."""

from __future__ import annotations

from pathlib import Path


def hook_folders() -> list[str]:
    """Give the folder with the hook."""
    return [str(Path(__file__).parent)]
