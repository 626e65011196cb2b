"""Records with their origin, column detection, and row-faithful writers."""
