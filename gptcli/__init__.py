"""GPT-2 at a shell: write, label, tune and measure text with a small model of your own."""

__version__ = "0.1.0"
