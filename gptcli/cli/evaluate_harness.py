"""What gptcli evaluate does with tasks of lm-evaluation-harness."""

from collections.abc import Mapping
from contextlib import closing
from functools import partial

from gptcli.cli.console import Console
from gptcli.cli.evaluate_harness_options import HarnessFlags
from gptcli.cli.evaluating import EvaluateFlags, Following, asked_models
from gptcli.cli.flags import Work
from gptcli.cli.progress import Progress
from gptcli.cli.ranks import world_of
from gptcli.errors import ConfigError
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.tasks.harness_config import HarnessConfig

_ALONGSIDE = frozenset(
    {
        *("harness", "harness_include", "limit", "bootstrap", "seed", "json", "fail_under"),
        *("models", "device", "dtype", "backend", "batch_size", "threads"),
        *("quiet", "verbose", "traceback"),
    }
)
"""The options that harness tasks have a use for: they bring all else themselves."""


def prepare(flags: EvaluateFlags, harness: HarnessFlags, given: Mapping[str, str]) -> Work:
    """Return the work of --harness, its options checked; raises ConfigError."""
    for name, spelled in given.items():
        if name not in _ALONGSIDE:
            option = "FILE" if name == "paths" else spelled
            raise ConfigError(f"{option} does not go with --harness, whose tasks bring their own data and measures")
    config = HarnessConfig(
        tasks=harness.names,
        include=harness.harness_include,
        limit=flags.data.limit,
        bootstrap=Bootstrap(resamples=flags.result.bootstrap, seed=flags.result.seed),
    )
    flags.result.bounds()
    return partial(run, flags=flags, config=config)


def run(console: Console, *, flags: EvaluateFlags, config: HarnessConfig) -> None:
    """Run the tasks, and show what comes; raises ConfigError for several processes, BoundError for a broken bound."""
    if world_of(console.environment) > 1:
        raise ConfigError("--harness runs in one process: start gptcli by itself, without a launcher")
    models = asked_models(console, flags.models)
    with Progress(console, lines=None, shared=False) as progress:
        from gptcli.tasks.evaluate_harness import evaluate_by_harness

        with closing(evaluate_by_harness(config, models, flags.result.bounds())) as events:
            Following(console, flags, progress).follow(events)
