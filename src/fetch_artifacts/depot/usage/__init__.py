"""Usage: which Artifacts.toml files count for gc, which trees they need."""
