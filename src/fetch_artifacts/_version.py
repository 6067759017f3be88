"""The version of this package, read by the build as well."""

__version__ = "1.0.0rc1"
