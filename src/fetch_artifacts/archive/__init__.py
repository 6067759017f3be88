"""Archives of any kind: what they are, reading, unpacking and writing them."""
