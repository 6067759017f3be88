"""What people see: text that no name can garble, and progress."""
