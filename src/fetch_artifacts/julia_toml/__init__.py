"""TOML as Julia 1.12 reads and writes it. Julia: ``TOML``."""

from fetch_artifacts.julia_toml.writer import Table, dump_below, dump_key, dumps, loads

__all__ = ["Table", "dump_below", "dump_key", "dumps", "loads"]
