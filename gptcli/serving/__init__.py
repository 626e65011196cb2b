"""The web server: an OpenAI-compatible interface and the playground, over the same engine as every command."""
