"""gptcli classify: the command and what its help teaches."""

import typer

from gptcli.cli.classify_options import LabelFlags, WordedLabelFlags
from gptcli.cli.flags import Job, given
from gptcli.cli.options import CommonFlags, ModelFlags, OutputFlags, TextFlags

EXAMPLES = """Examples:

\b
  Label each line, and count the labels:
    cat reviews.txt | gptcli classify -m ./sentiment | cut -f1 | sort | uniq -c

\b
  The rows of a table with two columns more, safe to interrupt:
    gptcli classify -m ./sentiment -i reviews.csv --column review -o labelled.csv
    gptcli classify -m ./sentiment -i reviews.csv --column review -o labelled.csv --resume

\b
  Every class's probability, and only answers that are sure:
    gptcli classify -m ./sentiment "Not bad at all" --jsonl | jq .probabilities
    gptcli classify -m ./sentiment "Not bad at all" --min-prob 0.9

\b
  Labels of your own, without any training, and with a few examples to learn from:
    gptcli classify --labels negative,positive "Not bad at all"
    gptcli classify --labels negative,positive --template 'Review: {text}\\nSentiment: {label}' -i reviews.txt
    gptcli classify --labels-file topics.txt --examples labelled.csv --shots 8 -i inbox.csv -o sorted.csv

\b
  How often a model is right, on rows that have a label:
    gptcli classify -m ./sentiment -i test.csv --label-column label > /dev/null

Without labels in words the model is one that `gptcli finetune` has tuned on labelled rows, or any
GPT2ForSequenceClassification.

A text that begins with a dash goes behind --.
"""


def command(
    context: typer.Context,
    source: TextFlags,
    words: WordedLabelFlags,
    labels: LabelFlags,
    output: OutputFlags,
    model: ModelFlags,
    common: CommonFlags,
) -> Job:
    """Label texts, with a tuned model or with labels in words.

    Prints label, probability and text, parted by tabs, a line a text; for a .csv or .tsv file its rows with columns
    label and probability. Everything else goes to standard error.
    """
    from gptcli.cli.classifying import prepare
    from gptcli.cli.contradictions import ClassifyFlags

    flags = ClassifyFlags(source=source, labels=labels, words=words, output=output, model=model, given=given(context))
    return Job(work=prepare(flags), common=common.joined(context.obj))
