"""gptcli pretrain: the command and what its help teaches."""

from functools import partial

import typer

from gptcli.cli.flags import Job, given
from gptcli.cli.options import CommonFlags
from gptcli.cli.training_groups import RunFlags
from gptcli.cli.training_pretrain import CorpusFlags, PretrainingFlags, ShapeFlags

EXAMPLES = """Examples:

\b
  A small model of your own, with a tokenizer of its own, in an hour:
    gptcli pretrain books/ -o storyteller --max-time 1h
    gptcli generate -m storyteller "Once upon a time"

\b
  GPT-2's own shape and tokenizer, on eight GPUs:
    gptcli pretrain corpus/*.jsonl.gz --size small --tokenizer gpt2 --num-processes 8 --mixed-precision bf16

\b
  A shape that has no name:
    gptcli pretrain books/ --size mini --n-layer 8 --n-positions 1024 --vocab-size 16000

\b
  Go on after Ctrl-C, a crash or a power cut:
    gptcli pretrain --resume storyteller

The texts are tokenized once, to a file in the cache directory (GPTCLI_CACHE), and may be larger than memory. A .txt
file is a document, or several that lines of <|endoftext|> part; a table or .jsonl file has one in each row.
"""


def command(
    context: typer.Context,
    data: CorpusFlags,
    model: ShapeFlags,
    training: PretrainingFlags,
    run: RunFlags,
    common: CommonFlags,
) -> Job:
    """Train a model from nothing but text.

    Good settings for the size are chosen. The model, and everything needed to repeat or to resume the run, is saved to
    one directory that transformers loads too.
    """
    from gptcli.cli.training import run_pretrain
    from gptcli.cli.training_settling import PretrainFlags

    flags = PretrainFlags(data=data, model=model, training=training, run=run, given=given(context))
    return Job(work=partial(run_pretrain, flags=flags), common=common.joined(context.obj))
