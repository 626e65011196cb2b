"""Which tasks of lm-evaluation-harness a run has; imports nothing heavy."""

from dataclasses import dataclass, field

from gptcli.errors import ConfigError
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.tasks.evaluate_config import require_extent


@dataclass(frozen=True, slots=True, kw_only=True)
class HarnessConfig:
    """Which tasks run, and on how many rows; raises ConfigError for none."""

    tasks: tuple[str, ...]
    """Names of tasks, groups or tags, or paths of task files (.yaml)."""
    include: str | None = None
    """A directory of further task files."""
    limit: int | None = None
    """Rows of each task at most."""
    bootstrap: Bootstrap = field(default_factory=Bootstrap)
    """For figures whose standard error the harness resamples; the seed is that of sampling too."""

    def __post_init__(self) -> None:
        if not self.tasks or not all(self.tasks):
            raise ConfigError("--harness wants names of tasks, parted by commas: --harness lambada_openai,hellaswag")
        require_extent(self.limit, self.bootstrap)
