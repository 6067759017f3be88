"""The package's regular expressions, and how each meets a text."""

from __future__ import annotations

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fetch_artifacts

_SEARCHING = frozenset({"search", "sub", "subn", "split", "findall", "finditer"})
_AT_THE_START = frozenset({"match", "fullmatch"})
_METHODS = _SEARCHING | _AT_THE_START
# Functions that call `match` with the pattern that they are given.
_OF_OURS = frozenset({"_skip", "_take", "_need"})
_FLAGS = re.compile(r"re\.[A-Z]+(?: \| re\.[A-Z]+)*")


@dataclass(frozen=True, slots=True)
class Use:
    """A pattern and how it meets a text: by search, match or fullmatch."""

    module: str
    pattern: re.Pattern[str]
    method: str

    def __str__(self) -> str:
        return f"{self.module}:{self.method}:{self.pattern.pattern[:30]}"

    def run(self, text: str) -> object:
        """Let it meet one."""
        return getattr(self.pattern, self.method)(text)


def uses_of_patterns() -> tuple[list[Use], set[str]]:
    """Find the patterns in the source of the package.

    Returns:
        Those that are known before a function is called, and the modules that have
        others.
    """
    found: dict[tuple[str, int, str], Use] = {}
    unknown = set()
    root = Path(fetch_artifacts.__path__[0])
    for file in sorted(root.rglob("*.py")):
        text = file.read_text("utf-8")
        if "import re\n" not in text:
            continue
        parts = file.relative_to(root.parent).with_suffix("").parts
        name = ".".join(parts)
        for use in _uses(name, _variables(name), ast.parse(text)):
            if use is None:
                unknown.add(name)
            else:
                key = (use.pattern.pattern, use.pattern.flags, use.method)
                found.setdefault(key, use)
    return list(found.values()), unknown


def _variables(module: str) -> dict[str, Any]:
    try:
        return vars(importlib.import_module(module))
    except ImportError:  # of an extra that is not installed
        return {"re": re}


def _uses(
    module: str, variables: dict[str, Any], tree: ast.Module
) -> Iterator[Use | None]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    methods = _methods(calls)
    at_the_top = {id(each) for node in tree.body for each in _outside_functions(node)}
    for call in calls:
        direct = _called(call, "re") or (_called(call, "self") & _OF_OURS)
        if not direct or not call.args:
            continue
        pattern, flags = call.args[0], re.DOTALL if direct <= _OF_OURS else 0
        for argument in (*call.args[1:], *(each.value for each in call.keywords)):
            if _FLAGS.fullmatch(ast.unparse(argument)):
                flags = eval(ast.unparse(argument), {"re": re})
        try:
            source = eval(ast.unparse(pattern), variables)
        except NameError:  # of a variable in a function
            if not direct <= _OF_OURS:
                yield None
            continue
        if direct == {"compile"}:
            direct = methods[ast.unparse(call)] or (
                _AT_THE_START if id(call) in at_the_top else frozenset({"match"})
            )
            for name, value in variables.items():
                if isinstance(value, re.Pattern) and value.pattern == source:
                    direct = methods[name] or direct
        for method in sorted({_method(each) for each in direct}):
            yield Use(module, _of_text(source, flags), method)


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.FunctionDef):
        yield node
        for inner in ast.iter_child_nodes(node):
            yield from _outside_functions(inner)


def _methods(calls: list[ast.Call]) -> defaultdict[str, frozenset[str]]:
    """What is called of each pattern, by how that is written."""
    methods: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in _METHODS:
            methods[ast.unparse(call.func.value)] |= {call.func.attr}
        elif isinstance(call.func, ast.Name) and call.func.id in _OF_OURS:
            methods[ast.unparse(call.args[0])] |= {"match"}
    return methods


def _called(call: ast.Call, owner: str) -> frozenset[str]:
    """The name of a function where it is one for patterns, of this owner."""
    function = call.func
    if isinstance(function, ast.Attribute) and ast.unparse(function.value) == owner:
        return frozenset({function.attr}) & (_METHODS | _OF_OURS | {"compile"})
    return frozenset()


def _method(name: str) -> str:
    return "match" if name in _OF_OURS else "search" if name in _SEARCHING else name


def _of_text(source: str | bytes, flags: int) -> re.Pattern[str]:
    if isinstance(source, bytes):
        return re.compile(source.decode("latin-1"), flags | re.ASCII)
    return re.compile(source, flags)
