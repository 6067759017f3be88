"""Lines for programs: exact bytes, whatever they would do to a terminal."""

from __future__ import annotations

import os
import sys


def print_exactly(text: str) -> None:
    """Print a line on standard output in the bytes of the file system."""
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(text) + os.linesep.encode())
    sys.stdout.flush()
