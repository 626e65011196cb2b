"""One training loop for every objective: rows or a corpus in, checkpoints and a model out."""
