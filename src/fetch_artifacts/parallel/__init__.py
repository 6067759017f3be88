"""Work in several threads, and in forks of this process where threads would wait."""
