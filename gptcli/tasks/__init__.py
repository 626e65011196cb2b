"""One module a command: typed options in, an iterator of events out."""
