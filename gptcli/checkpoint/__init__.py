"""From a model name to its files, weights and tokenizer."""
