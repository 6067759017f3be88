"""Tree hashes. Julia: ``Pkg.GitTools``."""
