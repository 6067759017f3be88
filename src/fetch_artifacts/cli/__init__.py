"""The command ``fetch-artifacts``: arguments in, text and exit codes out."""

from fetch_artifacts.cli._main import main

__all__ = ["main"]
