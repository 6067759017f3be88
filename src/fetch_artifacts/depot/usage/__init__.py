"""Usage: which Artifacts.toml files count for gc, and what they name."""
