"""What the model saw in a text, and why it goes on as it does."""
