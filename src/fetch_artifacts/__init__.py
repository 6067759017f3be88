"""fetch-artifacts."""
