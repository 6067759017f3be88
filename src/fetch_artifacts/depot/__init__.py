"""Depots: from a hash to a path. Julia: ``Artifacts``, ``Pkg.Artifacts``."""
