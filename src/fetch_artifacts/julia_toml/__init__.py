"""TOML as Julia 1.12 reads and writes it. Julia: ``TOML``."""

from fetch_artifacts.julia_toml.reader import Unsigned, loads
from fetch_artifacts.julia_toml.writer import Table, dump_below, dump_key, dumps

__all__ = ["Table", "Unsigned", "dump_below", "dump_key", "dumps", "loads"]

# What help() prints, and what a pickle names, is where users import it from.
for _public in (Unsigned, dump_below, dump_key, dumps, loads):
    _public.__module__ = __name__
