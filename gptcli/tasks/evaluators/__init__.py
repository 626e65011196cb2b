"""What `evaluate` can measure: a file each, all of the kind that base describes."""
