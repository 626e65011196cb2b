"""gptcli generate: the command and what its help teaches."""

import typer

from gptcli.cli.flags import Job, given
from gptcli.cli.options import CommonFlags, ModelFlags, OutputFlags, PromptFlags, SampleFlags, SourceFlags
from gptcli.cli.sampling import SampleCountFlags, SamplingFlags

EXAMPLES = """Examples:

\b
  Five different samples of one prompt:
    gptcli generate "Hello, my name is" -n 5

\b
  A prompt a line, results as JSON:
    cat prompts.txt | gptcli generate --jsonl | jq -r .text

\b
  A column of completions beside the columns of a table, safe to interrupt:
    gptcli generate -i reviews.csv --column title -o out.csv
    gptcli generate -i reviews.csv --column title -o out.csv --resume

\b
  The likeliest text, at most to the end of the sentence, without the prompt:
    gptcli generate "The capital of France is" --greedy --stop . --no-echo

\b
  A model tuned on questions: its template is filled in, and only the answer printed:
    gptcli generate -m ./qa-model "Who wrote Hamlet?" --no-echo

When more than one sample may be printed, a line <|endoftext|> ends each: GPT-2's own mark between documents,
and that of training files. With --null it is a NUL instead.

A prompt that begins with a dash goes behind --.
"""


def command(
    context: typer.Context,
    source: SourceFlags,
    prompt: PromptFlags,
    count: SampleCountFlags,
    sampling: SamplingFlags,
    output: OutputFlags,
    samples: SampleFlags,
    model: ModelFlags,
    common: CommonFlags,
) -> Job:
    """Write on from each prompt.

    Results go to standard output, everything else to standard error. Options and their defaults mean what
    they mean in transformers' generate with do_sample=True.
    """
    from gptcli.cli.contradictions import GenerateFlags
    from gptcli.cli.generating import prepare

    flags = GenerateFlags(
        source=source,
        prompt=prompt,
        count=count,
        sampling=sampling,
        output=output,
        samples=samples,
        model=model,
        given=given(context),
    )
    return Job(work=prepare(flags), common=common.joined(context.obj))
