"""Read the prompt template that was saved with a model."""

from pathlib import Path

from gptcli.checkpoint.files import TEMPLATE, read_json
from gptcli.data.templates import PromptTemplate
from gptcli.errors import ConfigError, ModelError


def read_template(directory: Path) -> PromptTemplate | None:
    """Return the template that a model was tuned with, if any; raises ModelError where it is damaged."""
    path = directory / TEMPLATE
    if not path.is_file():
        return None
    try:
        return PromptTemplate.from_json(read_json(path))
    except (ConfigError, ModelError) as error:
        raise ModelError(f"{path}: is damaged; give a template, or none, with --template") from error
