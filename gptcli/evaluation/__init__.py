"""Numbers about a model: what it got right, and what it only copied."""
