"""Comparison with real Julia, for this project and for the CI of others."""
