"""What --report-to needs to be installed. Imports nothing heavy: it is asked before the data is read."""

from collections.abc import Iterable
from importlib.util import find_spec

from gptcli.errors import MissingExtraError


def require_trackers(names: Iterable[str]) -> None:
    """Raise MissingExtraError for the first that is not installed, which accelerate would leave out in silence."""
    for name in names:
        spec = find_spec(name)
        # A directory has a specification without an origin: wandb leaves one of its name where it has run.
        if spec is None or spec.origin is None:
            raise MissingExtraError(f'--report-to {name} needs {name}: pip install "gptcli[{name}]"')
