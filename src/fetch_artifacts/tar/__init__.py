"""Tarballs. Julia: ``Tar``."""
