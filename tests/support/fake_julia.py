"""A program that answers oracle.jl's lines, for tests that have no Julia."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

_ANSWERING = """#!{python}
import base64, os, sys, time

def decode(field):
    return base64.b64decode(field).decode()

def say(*values):
    print(" ".join(base64.b64encode(v.encode()).decode() for v in values), flush=True)

for line in sys.stdin:
    verb, depots, *arguments = map(decode, line.rstrip("\\n").split(" "))
    if verb == "version":
        say("ok", "1.12.5")
    elif verb == "pid":
        say("ok", str(os.getpid()))
    elif verb == "depots":
        say("ok", *depots.split("\\0"))
    elif verb == "environ":
        say("ok", *(n + "=" + v for n, v in sorted(os.environ.items())))
    elif verb == "throw":
        say("error", "ArgumentError", "bad " + arguments[0], "it was logged")
    elif verb == "die":
        sys.exit("signal 11")
    elif verb == "hang":
        for path in arguments:
            open(path, "w").close()
        time.sleep(600)
    else:
        say("fault", "no verb " + verb)
"""


def make_fake_julia(path: Path) -> Path:
    """Write the program to a path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_ANSWERING.format(python=sys.executable), "utf-8")
    path.chmod(0o755)
    return path


def encode(*fields: str) -> str:
    """A line of the oracle."""
    return " ".join(base64.b64encode(field.encode()).decode() for field in fields)
