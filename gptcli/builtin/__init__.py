"""The small model that ships with gptcli; README.md is its card."""
