"""Compressions: how each is read and written."""
