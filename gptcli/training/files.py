"""Names in a run's output directory that modules with and without torch share."""

CHECKPOINTS = "checkpoints"
STATE = "state.json"
"""Of a checkpoint."""
TRACKED = "gptcli"
"""The project under which trackers write."""
