"""A program that answers as oracle.jl would, by this package: a Julia that agrees.

What it is to answer otherwise is given by verb, so that a comparison finds it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

SRC = Path(__file__).parents[2] / "src"

_PROGRAM = """#!{python}
import base64, os, sys
sys.path.insert(0, {src!r})
from fetch_artifacts import julia_toml, pkg_artifacts
from fetch_artifacts.errors import FetchArtifactsError
from fetch_artifacts.platforms import Platform, host_platform

OTHERWISE = {otherwise!r}
HOST = "x86_64-linux-gnu-libgfortran5-cxx11"

def say(*values):
    fields = [base64.b64encode(os.fsencode(value)).decode() for value in values]
    print(" ".join(fields), flush=True)

def platform(text):
    return Platform.parse(text or HOST) if text else Platform.parse(HOST).as_host()

def maybe(value):
    return [] if value is None else [str(value)]

def meta(name, toml, triplet):
    found = pkg_artifacts.artifact_meta(name, toml, platform=platform(triplet))
    return maybe(None if found is None else julia_toml.dumps(found))

def hash_(name, toml, triplet):
    return maybe(pkg_artifacts.artifact_hash(name, toml, platform=platform(triplet)))

def place(name, toml, triplet, uuid):
    pkg_artifacts.load_artifacts_toml(toml, pkg_uuid=uuid or None)
    found = hash_(name, toml, triplet)
    return [str(pkg_artifacts.artifact_path(each)) for each in found]

def downloads(toml, triplet, lazy):
    found = pkg_artifacts.select_downloadable_artifacts(
        toml, platform=platform(triplet), include_lazy=lazy == "true")
    return sorted(found)

def flag(value):
    return ["true" if value else "false"]

VERBS = {{
    "version": lambda: ["1.12.5"],
    "host_triplet": lambda: [HOST],
    "artifact_names": lambda toml: sorted(pkg_artifacts.load_artifacts_toml(toml)),
    "print_toml": lambda text: [julia_toml.dumps(julia_toml.loads(text))],
    "artifact_meta": meta,
    "artifact_hash": hash_,
    "place": place,
    "select_downloadable_artifacts": downloads,
    "artifact_exists": lambda h, o: flag(pkg_artifacts.artifact_exists(h)),
    "verify_artifact": lambda h: flag(pkg_artifacts.verify_artifact(h)),
    "ensure_artifact_installed": lambda name, toml, t: [
        str(pkg_artifacts.ensure_artifact_installed(name, toml, platform=platform(t)))],
    "triplet": lambda text: [Platform.parse(text).triplet],
    "logged": lambda verb, *rest: ["", *ask(verb, rest)],
}}

def ask(verb, arguments):
    if verb in OTHERWISE:
        answer = OTHERWISE[verb]
        if answer is None:
            raise FetchArtifactsError("refused")
        return answer
    return VERBS[verb](*arguments)

for line in sys.stdin:
    verb, depots, *arguments = (
        base64.b64decode(each).decode() for each in line.rstrip("\\n").split(" "))
    os.environ["JULIA_DEPOT_PATH"] = depots.replace("\\0", os.pathsep)
    if verb == "version" and "die" in OTHERWISE:
        sys.exit("signal 11")
    try:
        say("ok", *ask(verb, arguments))
    except (FetchArtifactsError, ValueError) as error:
        say("error", "ArgumentError", str(error).split("\\n")[0], "")
"""


def make_mirror(
    path: Path, otherwise: Mapping[str, list[str] | None] | None = None
) -> Path:
    """Write the program; None as an answer is an exception."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = _PROGRAM.format(
        python=sys.executable, src=str(SRC), otherwise=dict(otherwise or {})
    )
    path.write_text(text, "utf-8")
    path.chmod(0o755)
    return path
