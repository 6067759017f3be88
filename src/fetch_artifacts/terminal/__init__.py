"""What a person is shown: text that no name can garble, and progress."""
