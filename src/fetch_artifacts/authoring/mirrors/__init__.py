"""Archives in other places than their sources: mirrors, bundles, object stores."""
