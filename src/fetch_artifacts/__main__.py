"""``python -m fetch_artifacts`` is the command ``fetch-artifacts``."""

from fetch_artifacts.cli import main

if __name__ == "__main__":
    main()
