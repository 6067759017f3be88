"""The checks of this project: ``nox`` runs them, ``nox -l`` lists them.

What follows ``--`` goes to the tool of the session: ``nox -s tests-3.12 -- -k unpack``.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import nox

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
# A Python that this machine does not have is skipped, and nox says so, in CI too.
nox.options.error_on_missing_interpreters = False


def group(name: str) -> tuple[str, ...]:
    """The packages of a dependency group in pyproject.toml."""
    return nox.project.dependency_groups(PROJECT, name)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, format, and the layers that imports must keep to."""
    session.install(*group("lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")
    session.run("lint-imports", env={"PYTHONPATH": "src"})


@nox.session
def typing(session: nox.Session) -> None:
    """Types, of the tests too, and as users see them in two type checkers."""
    session.install("-e.[test]", *group("typing"))
    session.run("mypy", *session.posargs)
    session.run("pyright", "--project", "pyproject.toml")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Unit and property tests: without Julia and without a network."""
    session.install(".[test]")
    session.run("pytest", "-n", "auto", *session.posargs)


def _compare(session: nox.Session, *options: str, env: dict[str, str]) -> None:
    """All comparisons, and then a floor of them, or those that are named."""
    wanted = session.posargs or ["--live-floor"]
    session.run("pytest", "compat_tests", *options, *wanted, env=env)


@nox.session
def compat(session: nox.Session) -> None:
    """Comparisons with the Julia that is there; only in CI one is installed."""
    session.install(".[test]")
    find = ("python", ".ci/julia.py")
    # Exit status 1: there is none, and none was asked for.
    found = session.run(*find, silent=True, stderr=None, success_codes=[0, 1])
    if julia := str(found).strip():
        _compare(session, env={"JULIA": julia})
        return
    session.run("pytest", "compat_tests", "--skip-without-julia", *session.posargs)
    session.warn(
        "NOT COMPARED WITH A LIVE JULIA: there is none on PATH, and JULIA names none. "
        "`nox -s compat_recorded` compares with its recorded answers alone. "
        "`nox -s julia` installs one (on Debian, as root)."
    )


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """Which lines and branches the unit tests reach; pyproject.toml has the floor."""
    session.install("-e.[test,dask,hf]", *group("coverage"))
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "-n", "auto", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session(default=False, venv_backend="none")
def julia(session: nox.Session) -> None:
    """Install a Julia for compat, where there is none; .ci/julia.py says how."""
    session.run(sys.executable, ".ci/julia.py", "--install")


@nox.session(default=False)
def compat_juliacall(session: nox.Session) -> None:
    """The same comparisons through juliacall, which needs Julia 1.10 or newer."""
    session.install(".[test,julia]")
    _compare(session, "--oracle=juliacall", env={})


@nox.session(default=False)
def compat_recorded(session: nox.Session) -> None:
    """What is compared with recorded answers of Julia, without a Julia."""
    session.install(".[test]")
    session.run("pytest", "tests", "--recorded", *session.posargs)


@nox.session(default=False)
def clients(session: nox.Session) -> None:
    """Published packages that were written for 0.1.0, less their pin on it, on ours."""
    session.install(".[test]", *group("clients"))
    session.install("--no-deps", "jaxace==0.4.1", "jaxeffort==0.2.5")
    session.run("pytest", "compat_tests/test_clients.py", *session.posargs)


@nox.session(default=False)
def s3(session: nox.Session) -> None:
    """Publishing to S3, mirrors and Julia there; moto's server stands in for it."""
    session.install(".[test]", *group("s3"))
    session.run(
        "pytest",
        "-k",
        "s3",
        "--skip-without-julia",
        "tests/authoring/test_publish_folder.py",
        "tests/authoring/test_object_store.py",
        "compat_tests/test_mirror.py",
        *session.posargs,
    )


@nox.session(default=False)
def hf(session: nox.Session) -> None:
    """The Hugging Face Hub by its client: publishing, sources; to a stand-in of it."""
    session.install(".[test,hf]")
    session.run(
        "pytest",
        "tests/authoring/test_publish_huggingface.py",
        "tests/authoring/test_huggingface_sources.py",
        *session.posargs,
    )


@nox.session(default=False)
def integrations(session: nox.Session) -> None:
    """``artifact://`` in pandas, xarray, zarr and others; Dask, MPI, Ray."""
    session.install(".[test,fsspec,dask]", *group("integrations"))
    session.run("pytest", "--clusters", "tests/integrations", *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Benchmarks, all or those that are named; [--quick] [--gate] [--markdown]."""
    session.install("-e.[test]", *group("bench"))
    session.run("python", "tests/benchmarks", *session.posargs)


@nox.session(default=False)
def stress(session: nox.Session) -> None:
    """Crowds, crashes and full disks, all or those that are named."""
    session.install("-e.[test]")
    session.run("python", "tests/stress", *session.posargs)


@nox.session(default=False)
def mutation(session: nox.Session) -> None:
    """Change one line at a time; the test that is named for it has to fail."""
    session.install("-e.[test]")
    session.run("python", "tests/mutation", *session.posargs)


_HAS_ORACLE = (
    "from fetch_artifacts.conformance.transports import ORACLE_JL; ORACLE_JL.stat()"
)


@nox.session
def build(session: nox.Session) -> None:
    """A source archive, from it a wheel, and that installed where nothing else is."""
    session.install("build")
    folder = Path(session.create_tmp())
    session.run("python", "-m", "build", "--outdir", str(folder), *session.posargs)
    wheel = max(folder.glob("*.whl"), key=lambda path: path.stat().st_mtime)
    session.run("python", "-m", "venv", "--clear", str(folder / "clean"))
    programs = folder / "clean" / ("Scripts" if sys.platform == "win32" else "bin")
    for program, *arguments in (
        ("python", "-m", "pip", "install", "--quiet", str(wheel)),
        ("fetch-artifacts", "--version"),
        ("python", "-c", "import fetch_artifacts.pkg_artifacts"),
        ("python", "-c", _HAS_ORACLE),
    ):
        session.run(str(programs / program), *arguments, external=True)


@nox.session
def packaging(session: nox.Session) -> None:
    """What the archives hold, and that they are the same whenever they are built."""
    session.install("build", "check-wheel-contents", "twine")
    first, second = (Path(session.create_tmp()) / name for name in ("one", "two"))
    for folder in (first, second):
        shutil.rmtree(folder, ignore_errors=True)
        session.run(
            "python",
            "-m",
            "build",
            "--outdir",
            str(folder),
            env={"SOURCE_DATE_EPOCH": "1700000000"},
        )
    for path in sorted(first.iterdir()):
        if path.read_bytes() != (second / path.name).read_bytes():
            session.error(f"{path.name}: building it twice gave different bytes")
    session.run("twine", "check", "--strict", *map(str, first.iterdir()))
    session.run("check-wheel-contents", *map(str, first.glob("*.whl")))


@nox.session(default=False)
def lowest(session: nox.Session) -> None:
    """The unit tests with the lowest versions that pyproject.toml allows."""
    session.install("uv")
    # Not in create_tmp(): that puts TMPDIR below this project's pyproject.toml,
    # whose settings would then apply to the tests.
    folder = Path(session.virtualenv.location) / "lowest"
    # Where there is no such Python, uv installs it or fails; nox would skip this.
    session.run("uv", "venv", "--clear", f"--python={PYTHONS[0]}", str(folder))
    into = ("uv", "pip", "install", f"--python={folder}")
    session.run(*into, "--resolution=lowest-direct", ".[test]")
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    session.run(str(programs / "pytest"), "-n", "auto", *session.posargs, external=True)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """The reference of the API from the docstrings, in .nox/docs/tmp/site."""
    session.install("sphinx", ".")
    site = Path(session.create_tmp()) / "site"
    session.run("python", ".github/reference.py", str(site))


@nox.session(default=False)
def pictures(session: nox.Session) -> None:
    """The README's picture, from a real install in a pseudo-terminal."""
    session.install("pyte", ".")
    session.run("python", ".github/pictures.py")


@nox.session(default=False)
def frozen(session: nox.Session) -> None:
    """A program that PyInstaller freezes: the demo runs in it, with tomli compiled."""
    session.install("pyinstaller", ".")
    folder = Path(session.create_tmp())
    program = folder / "program.py"
    program.write_text(
        "import sys\n"
        "from fetch_artifacts.cli import main\n"
        "import tomli\n"
        "assert tomli._parser.__file__.endswith(('.so', '.pyd')), 'not compiled'\n"
        "main(sys.argv[1:])\n",
        "utf-8",
    )
    session.run(
        "pyinstaller",
        "--onefile",
        "--noconfirm",
        "--distpath",
        str(folder),
        "--workpath",
        str(folder / "work"),
        "--specpath",
        str(folder),
        str(program),
    )
    for arguments in (["--version"], ["platform"], ["hash", "src"], ["demo"]):
        session.run(str(folder / "program"), *arguments, external=True)
