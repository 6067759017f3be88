"""TOML as Julia 1.12 reads and writes it. Julia: ``TOML``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetch_artifacts.julia_toml.reader import loads, parsefile, tryparse
from fetch_artifacts.julia_toml.scalars import Unsigned

__all__ = [
    "Table",
    "Unsigned",
    "dump_below",
    "dump_key",
    "dump_value",
    "dumps",
    "is_array_of_tables",
    "is_tabular",
    "loads",
    "parsefile",
    "tryparse",
]

if TYPE_CHECKING:
    from fetch_artifacts.julia_toml.writer import (
        Table,
        dump_below,
        dump_key,
        dump_value,
        dumps,
        is_array_of_tables,
        is_tabular,
    )
else:  # to use artifacts, TOML is only read

    def __getattr__(name: str) -> object:
        """Import the writer when it is asked for (PEP 562)."""
        if name not in __all__:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        from fetch_artifacts.julia_toml import writer

        return globals().setdefault(name, getattr(writer, name))

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
