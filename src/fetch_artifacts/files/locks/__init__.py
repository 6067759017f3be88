"""Locks that exclude Julia's processes as well as ours."""
