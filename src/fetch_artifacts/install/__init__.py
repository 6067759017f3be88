"""Installing what is missing. Julia: ``Pkg.Artifacts.ensure_artifact_installed``."""
