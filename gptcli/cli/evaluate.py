"""gptcli evaluate: the command and what its help teaches."""

import typer

from gptcli.cli.evaluate_harness_options import HarnessFlags
from gptcli.cli.evaluate_options import EvaluationDataFlags, ModelsFlags, ResultFlags
from gptcli.cli.evaluate_task_flags import TasksFlags
from gptcli.cli.flags import Job, spelled_out
from gptcli.cli.options import CommonFlags

EXAMPLES = """Examples:

\b
  How well a model knows a text, and whether a larger one knows it better:
    gptcli evaluate book.txt
    gptcli evaluate book.txt -m gpt2-medium --vs gpt2

\b
  How often a tuned model is right, beside two others, on rows that it has not seen:
    gptcli evaluate test.csv -m ./sentiment -m ./older -m ./oldest

\b
  How close a model's completions come to the ones that were wanted:
    gptcli evaluate faq.jsonl -m ./answers

\b
  Questions with endings to choose from, and the last words of passages:
    gptcli evaluate hellaswag.jsonl -m gpt2
    gptcli evaluate lambada.jsonl --task lastword -m gpt2

\b
  A figure that compares with a published one:
    gptcli evaluate wiki.test.raw -m gpt2 --protocol hf-docs

\b
  A task of lm-evaluation-harness on this engine:
    gptcli evaluate --harness lambada_openai,hellaswag -m gpt2 --limit 500

\b
  Each row's scores, and all figures for a program:
    gptcli evaluate book.txt --per-row rows.jsonl
    gptcli evaluate book.txt --json | jq .models[0].figures.bits_per_byte.value

\b
  In a test: exit with 8 where a model is not good enough
    gptcli evaluate test.csv -m ./sentiment --fail-under accuracy=0.9
    gptcli evaluate book.txt -m ./story --fail-under bits_per_byte=1.1

Each figure stands with its 95 % interval, [low, high], by resampling rows. What each figure means, and which published
one it compares with, is in docs/evaluate.md.
"""


def command(
    invocation: typer.Context,
    data: EvaluationDataFlags,
    models: ModelsFlags,
    result: ResultFlags,
    tasks: TasksFlags,
    harness: HarnessFlags,
    common: CommonFlags,
) -> Job:
    """Measure models on your data: how well they know a text, label it, complete it, or choose.

    What is measured goes by the data: the perplexity of a text alone; how right labels, completions or choices are
    where rows have them. The figures go to standard output, everything else to standard error.
    """
    from gptcli.cli.evaluate_tasks import asked_task
    from gptcli.cli.evaluating import EvaluateFlags, prepare

    spelled = spelled_out(invocation)
    asked = asked_task(data.task, tasks.groups, spelled)
    flags = EvaluateFlags(data=data, models=models, result=result, asked=asked)
    if harness.is_asked_for:
        from gptcli.cli.evaluate_harness import prepare as prepare_harness

        return Job(work=prepare_harness(flags, harness, spelled), common=common.joined(invocation.obj))
    return Job(work=prepare(flags), common=common.joined(invocation.obj))
