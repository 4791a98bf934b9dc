"""What graphs are written with."""
