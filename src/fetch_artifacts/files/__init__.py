"""Files and folders: writing, removing, locking and remembering them."""
