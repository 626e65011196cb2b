"""gptcli explain: the command and what its help teaches."""

import typer

from gptcli.cli.explain_options import (
    ExplainedTextFlags,
    ExplainModelFlags,
    ExplainOutputFlags,
    FilterFlags,
    InsideFlags,
    NextSamplingFlags,
    ViewFlags,
)
from gptcli.cli.flags import Job, given
from gptcli.cli.options import CommonFlags

EXAMPLES = """Examples:

\b
  How surprised the model is by each token, and what it expected instead:
    gptcli explain "The capital of France is Berlin."

\b
  What comes next, and what sampling keeps of it:
    gptcli explain "The capital of France is" --next 10 --top-p 0.9

\b
  The strange lines of a log, as they come; the strangest line of a book:
    tail -f app.log | gptcli explain --above 20
    gptcli explain --scores --by mean < book.txt | sort -rn | head -1

\b
  The tokens that surprise most, for sort and awk; and all there is to know, as JSON:
    gptcli explain --tsv < book.txt | sort -t "$(printf '\\t')" -k3 -rn | head
    gptcli explain --jsonl < book.txt | jq .bits_per_byte

\b
  What fine-tuning has taught a model:
    gptcli explain -m ./tuned --vs gpt2 "Dear customer, we are sorry"

\b
  Where the heads look, what each layer predicts, which tokens speak for the next one:
    gptcli explain "The cat sat on the" --attention -o heads.png
    gptcli explain "The cat sat on the" --lens
    gptcli explain "The cat sat on the" --attribution integrated --target " mat"

Surprisal is -log2 of a token's probability: 1 bit is a coin's toss, 10 bits a chance of 1 in 1,024. A text's bits are
those of all its tokens, and equal the log-likelihood that gptcli evaluate gives: the text stands behind the
beginning-of-text token. --next, --interactive, --attention, --lens and --attribution read it as gptcli generate reads a
prompt, without that token, so that the same next token has another probability there.

A text that begins with a dash goes behind --.
"""


def command(
    context: typer.Context,
    source: ExplainedTextFlags,
    view: ViewFlags,
    chosen: FilterFlags,
    inside: InsideFlags,
    sampling: NextSamplingFlags,
    output: ExplainOutputFlags,
    model: ExplainModelFlags,
    common: CommonFlags,
) -> Job:
    """Show what a model makes of a text.

    Tints each token by its surprisal, with what was expected in the most surprising places. Results go to standard
    output, everything else to standard error.
    """
    from gptcli.cli.explain_contradictions import ExplainFlags
    from gptcli.cli.explaining import prepare

    flags = ExplainFlags(
        source=source,
        view=view,
        chosen=chosen,
        inside=inside,
        sampling=sampling,
        output=output,
        model=model,
        given=given(context),
    )
    return Job(work=prepare(flags), common=common.joined(context.obj))
