"""TOML as Julia 1.12 reads and writes it. Julia: ``TOML``."""

from fetch_artifacts.julia_toml.reader import Unsigned, loads, parsefile, tryparse
from fetch_artifacts.julia_toml.writer import (
    Table,
    dump_below,
    dump_key,
    dump_value,
    dumps,
    is_array_of_tables,
    is_tabular,
)

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

# What help() prints, and what a pickle names, is where users import it from.
for _name in __all__[1:]:  # Table is an alias
    globals()[_name].__module__ = __name__
