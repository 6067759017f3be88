"""What all commands share: their grammar, their output, and how they end."""
