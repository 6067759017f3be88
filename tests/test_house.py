"""The rules of the house, in numbers: what is over them is split, merged or mended."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import fetch_artifacts

ROOT = Path(fetch_artifacts.__file__).parent
NAME = "fetch_artifacts"

MODULES_IN_A_PACKAGE = 12
MODULES_AT_THE_TOP = 15
LINES_OF_A_MODULE = 400
LINES_OF_A_BODY = 40
PARAMETERS = 6
EXCUSES = 40
# Julia's functions and types, in one module as users import them.
LONG = {"pkg_artifacts.py"}
# Whose signature is that of 0.1.0 or Julia's.
GIVEN = {
    ("_api.py", "install_artifacts"),
    ("_author_api.py", "add_artifact"),
    ("_author_api.py", "add_download_source"),
    ("_author_api.py", "bind_artifact"),
    ("conformance/questions.py", "bind_artifact"),
    ("pkg_artifacts.py", "bind_artifact"),
    ("pkg_artifacts.py", "ensure_artifact_installed"),
}

WORKFLOWS = Path(__file__).parents[1] / ".github"

Function = ast.FunctionDef | ast.AsyncFunctionDef
FILES = sorted(ROOT.rglob("*.py"))


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def relative(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def module_of(file: Path) -> str:
    parts = (NAME, *file.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def functions(file: Path) -> Iterator[Function]:
    for node in ast.walk(parsed(file)):
        if isinstance(node, Function):
            yield node


def body_lines(function: Function) -> int:
    """The lines of a function below its signature and its docstring."""
    body = function.body[bool(ast.get_docstring(function)) :]
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def parameters(function: Function) -> list[str]:
    given = function.args
    every = (*given.posonlyargs, *given.args, *given.kwonlyargs)
    return [each.arg for each in every if each.arg not in {"self", "cls"}]


def is_command(function: Function) -> bool:
    """Whether click calls it, with each option as a parameter."""
    return any(ast.unparse(it).startswith("command(") for it in function.decorator_list)


def test_the_source_is_found() -> None:
    assert len(FILES) > 100
    assert sum(len(list(functions(file))) for file in FILES) > 1000


def test_no_package_has_more_than_twelve_modules() -> None:
    found = Counter(file.parent for file in FILES if file.name != "__init__.py")
    top = found.pop(ROOT)
    assert top <= MODULES_AT_THE_TOP
    assert {
        relative(folder): number
        for folder, number in found.items()
        if number > MODULES_IN_A_PACKAGE
    } == {}


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {
        relative(file): len(file.read_text("utf-8").splitlines()) for file in FILES
    }
    over = {file for file, lines in lengths.items() if lines > LINES_OF_A_MODULE}
    assert over <= LONG


def test_no_body_of_a_function_is_longer_than_40_lines() -> None:
    assert {
        (relative(file), function.name): body_lines(function)
        for file in FILES
        for function in functions(file)
        if body_lines(function) > LINES_OF_A_BODY
    } == {}


def test_no_function_but_those_given_has_more_than_six_parameters() -> None:
    over = {
        (relative(file), function.name)
        for file in FILES
        for function in functions(file)
        if len(parameters(function)) > PARAMETERS and not is_command(function)
    }
    assert over == GIVEN


def test_lint_exceptions_are_few_and_each_has_its_reason() -> None:
    found = [
        f"{relative(file)}: {line.strip()}"
        for file in FILES
        for line in file.read_text("utf-8").splitlines()
        if "# noqa" in line
    ]
    assert len(found) <= EXCUSES
    with_reason = re.compile(r"# noqa: [A-Z]+\d+(, [A-Z]+\d+)* - \w")
    assert [line for line in found if not with_reason.search(line)] == []


class Import(NamedTuple):
    """What a module imports, at its top, in a function, or for its types."""

    module: str
    name: str

    @property
    def target(self) -> str | None:
        """The module of this package that it is, if it is one."""
        inner = f"{self.module}.{self.name}"
        return next((each for each in (inner, self.module) if each in MODULES), None)


def imports(tree: ast.AST) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, "")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0  # as the lint has it
            for alias in node.names:
                yield Import(node.module or "", alias.name)


def targets(tree: ast.AST) -> set[str]:
    return {each.target for each in imports(tree) if each.target}


def circle(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_two_modules_need_each_other_at_run_time_or_for_types() -> None:
    graph = {name: targets(parsed(file)) - {name} for name, file in MODULES.items()}
    assert sum(map(len, graph.values())) > 500
    assert circle(graph) == []


@pytest.mark.parametrize(
    "line",
    [
        "from fetch_artifacts import errors",
        "from fetch_artifacts.errors import DepotError",
        "import fetch_artifacts.errors",
        "def f():\n    from fetch_artifacts import errors",
        "if TYPE_CHECKING:\n    from fetch_artifacts.errors import DepotError",
    ],
)
def test_every_kind_of_import_counts(line: str) -> None:
    found = targets(ast.parse(line))
    assert found == {f"{NAME}.errors"}
    graph = {f"{NAME}.errors": {f"{NAME}.urls"}, f"{NAME}.urls": found}
    assert circle(graph)[0] == circle(graph)[-1]


@pytest.mark.skipif(
    not WORKFLOWS.is_dir(), reason="NO WORKFLOW WAS READ: a source archive has none"
)
def test_workflows_pin_each_action_by_commit_and_say_its_version() -> None:
    used = [
        line.strip().removeprefix("- ")
        for file in WORKFLOWS.rglob("*.yml")
        for line in file.read_text("utf-8").splitlines()
        if "uses:" in line
    ]
    assert len(used) > 10
    pinned = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [line for line in used if not pinned.fullmatch(line)] == []
