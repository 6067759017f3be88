"""Whether installed trees are what their names say."""
