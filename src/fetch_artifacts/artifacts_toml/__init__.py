"""Artifacts.toml: from a name to an entry and its hash. Julia: ``Artifacts``."""
