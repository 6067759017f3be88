"""URLs to bytes. Julia: ``Downloads``, ``Pkg.PlatformEngines``."""
