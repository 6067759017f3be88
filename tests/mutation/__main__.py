"""Change one line at a time, and see that the test that is named for it fails.

``python tests/mutation`` makes all changes of mutations.toml, or those whose file or
test has one of the given words in it. One that no test catches fails the run, and so
does one whose line or test is no longer there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import tomli

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
DATA = Path(__file__).with_name("mutations.toml")
AT_ONCE = min(4, os.cpu_count() or 1)

CAUGHT, UNCAUGHT = "caught", "NOT CAUGHT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A change of one line.

    Attributes:
        file: The module, below src/fetch_artifacts.
        before: What is in the line, and nowhere else in the module.
        after: What stands there instead.
        test: The test that fails then, as pytest names it, below tests.
    """

    file: str
    before: str
    after: str
    test: str

    def applied(self, text: str) -> str:
        """The module's text with the change in it.

        Raises:
            ValueError: The line is not there, or not the only one.
        """
        if text.count(self.before) != 1 or "\n" in self.before + self.after:
            found = text.count(self.before)
            msg = f"expected {self.before!r} in one line, found it {found} times"
            raise ValueError(msg)
        return text.replace(self.before, self.after)


def load(path: Path = DATA) -> list[Mutation]:
    """All mutations of a file."""
    table = tomli.loads(path.read_text("utf-8"))
    return [Mutation(**each) for each in table["mutation"]]


def run_test(src: Path, *tests: str) -> tuple[int, str]:
    """The exit status of pytest with the package of a folder, and its last lines."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        + [str(ROOT / "tests" / test) for test in tests],
        check=False,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": str(src), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    return done.returncode, "\n".join(done.stdout.splitlines()[-8:])


@contextmanager
def mutated(src: Path, mutation: Mutation) -> Iterator[None]:
    """A package with the change in it, for the length of a block."""
    path = src / "fetch_artifacts" / mutation.file
    text = path.read_text("utf-8")
    path.write_text(mutation.applied(text), "utf-8", newline="")
    try:
        yield
    finally:
        path.write_text(text, "utf-8", newline="")


def judge(src: Path, mutation: Mutation) -> str:
    """What becomes of a mutation: caught, not caught, or why that is unknown."""
    try:
        with mutated(src, mutation):
            status, said = run_test(src, mutation.test)
    except (OSError, ValueError) as error:
        return str(error)
    outcomes = {0: UNCAUGHT, 1: CAUGHT}
    return outcomes.get(status, f"pytest ended with {status}: {said}")


def main(words: Sequence[str]) -> int:
    """Judge the mutations, and print a table of them."""
    chosen = [
        mutation
        for mutation in load()
        if not words or any(word in mutation.file + mutation.test for word in words)
    ]
    status, said = run_test(SRC, *sorted({mutation.test for mutation in chosen}))
    if status:
        print(f"without a mutation the tests must pass, but:\n{said}")
        return 1
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        Path(folder).chmod(0o755)  # some tests go on as another user
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(AT_ONCE):
            copies.put(shutil.copytree(SRC, Path(folder, str(number))))

        def judge_in_a_copy(mutation: Mutation) -> str:
            copy = copies.get()
            try:
                return judge(copy, mutation)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            verdicts = list(pool.map(judge_in_a_copy, chosen))
    for mutation, verdict in zip(chosen, verdicts, strict=True):
        print(f"{verdict:10}  {mutation.file}: {mutation.before} -> {mutation.after}")
        print(f"            {mutation.test}")
    uncaught = sum(verdict != CAUGHT for verdict in verdicts)
    print(f"{len(chosen)} mutations, {len(chosen) - uncaught} caught, {uncaught} not")
    return 1 if uncaught or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
