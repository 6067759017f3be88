"""What authors of artifacts do: build, bind, publish, repair."""
