"""What the environment and pyproject.toml say."""
