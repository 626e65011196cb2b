"""gptcli finetune: the command and what its help teaches."""

from functools import partial

import typer

from gptcli.cli.flags import Job, given
from gptcli.cli.options import CommonFlags
from gptcli.cli.training_groups import BaseModelFlags, DataFlags, LoraFlags, RunFlags, TuningFlags
from gptcli.cli.training_options import TrainingFlags

EXAMPLES = """Examples:

\b
  Learn to label texts; the columns and the task are found, and told:
    gptcli finetune reviews.csv -o sentiment
    cat inbox.txt | gptcli classify -m sentiment

\b
  Look first: what would be learned, for how long, in how much memory:
    gptcli finetune reviews.csv --dry-run

\b
  Go on with text in the manner of a book, for half an hour at most:
    gptcli finetune book.txt --max-time 30m --sample-prompt "It was"

\b
  Answer questions, by an adapter of a few megabytes on a larger model:
    gptcli finetune faq.jsonl -m gpt2-medium --lora 16 -o answers

\b
  Go on after Ctrl-C, a crash or a power cut; repeat a run with one thing changed:
    gptcli finetune --resume sentiment
    gptcli finetune --config sentiment/training.toml --lr 1e-4 -o other

\b
  Use two GPUs, or another program's launcher:
    gptcli finetune book.txt --num-processes 2
    torchrun --nproc-per-node 2 -m gptcli finetune book.txt

The first Ctrl-C finishes the step, saves, and says how to go on; the second ends at once.

Where standard error is no terminal, a line tells of the first step, of each twentieth of the run, and of a step a
minute; evaluations are told as they come.
"""


def command(
    context: typer.Context,
    data: DataFlags,
    model: BaseModelFlags,
    training: TrainingFlags,
    tuning: TuningFlags,
    lora: LoraFlags,
    run: RunFlags,
    common: CommonFlags,
) -> Job:
    """Tune a model to your data: to label texts, to complete prompts, or to write on.

    The model, and everything needed to repeat or to resume the run, is saved to one directory that transformers
    loads too.
    """
    from gptcli.cli.training import run_finetune
    from gptcli.cli.training_settling import FinetuneFlags

    flags = FinetuneFlags(
        data=data, model=model, training=training, tuning=tuning, lora=lora, run=run, given=given(context)
    )
    return Job(work=partial(run_finetune, flags=flags), common=common.joined(context.obj))
