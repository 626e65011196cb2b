"""The facts of a tuned model's card."""

from collections import Counter
from pathlib import Path

from gptcli.checkpoint.locate import Located
from gptcli.data.options import DataOptions
from gptcli.tasks.training_config import FinetuneConfig
from gptcli.training.card import CardFacts, DataFacts
from gptcli.training.config_file import Tables
from gptcli.training.cut import Cut
from gptcli.training.rows import RowSet
from gptcli.training.session import Ended
from gptcli.training.subject import Subject

EXAMPLE_WORDS = 6


def tuned_card(
    config: FinetuneConfig,
    rows: RowSet,
    located: Located,
    subject: Subject,
    ended: Ended,
    *,
    cut: Cut,
    options: Tables,
) -> CardFacts:
    """Return what the card says of a finished run; cut is what was lost of training rows."""
    parameters = list(subject.objective.parameters())
    lora = options.get("lora")
    metrics = {} if ended.evaluation is None else dict(ended.evaluation.metrics)
    first = (rows.validation or rows.train)[0]
    completes = rows.roles.task == "complete" and rows.template is not None
    return CardFacts(
        name=Path(config.run.output).resolve().name,
        task=rows.roles.task,
        base_model=_name_of(located),
        base_model_id=_hub_id(located),
        adapter=lora is not None and not lora.get("merge"),
        parameters=sum(parameter.numel() for parameter in parameters),
        trainable=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        data=_data_facts(config.data, rows, cut),
        label_kind=None if rows.labels is None else rows.labels.kind,
        options=options,
        metrics=metrics,
        steps=ended.steps,
        best_step=ended.best_step,
        tokens=ended.run.state.tokens,
        reason=ended.reason,
        template=rows.template.template if rows.template is not None else None,
        example=_example(rows) if completes else _begin_of(first.text, rows.roles.task == "classify"),
        example_prompt=first.text if completes else None,
        eos_probability=metrics.get("eos_probability"),
    )


def _name_of(located: Located) -> str:
    """Return the model's name; of a directory the last part, however it was given: a resumed run has its full path."""
    directory = Path(located.name)
    return directory.resolve().name if directory.is_dir() else located.name


def _data_facts(data: DataOptions, rows: RowSet, cut: Cut) -> DataFacts:
    split = f"--validation-split {data.validation_split:g}, by a hash of each row"
    return DataFacts(
        files=tuple(Path(name).name for name in rows.sources),
        train=len(rows.train),
        validation=len(rows.validation),
        split=split if data.validation is None else "--validation, a file of their own",
        unreadable=rows.unreadable,
        empty=rows.empty,
        duplicates=rows.duplicates,
        leaked=rows.leaked,
        digest=rows.digest,
        labels=_label_counts(rows),
        cut=cut,
    )


def _label_counts(rows: RowSet) -> tuple[tuple[str, int], ...]:
    if rows.labels is None or rows.labels.kind == "regression":
        return ()
    counts: Counter[int] = Counter()
    for row in rows.train:
        counts.update(row.label if isinstance(row.label, tuple) else (int(row.label or 0),))
    return tuple((name, counts[number]) for number, name in enumerate(rows.labels.names))


def _example(rows: RowSet) -> str | None:
    """Return what a person gives a template of one field; None where it takes rows of several columns."""
    template = rows.template
    assert template is not None
    return template.field_of((rows.validation or rows.train)[0].text)


def _begin_of(text: str, whole: bool) -> str:
    words = text.split()
    return " ".join(words[: 4 * EXAMPLE_WORDS if whole else EXAMPLE_WORDS])


def _hub_id(located: Located) -> str | None:
    """Return the model's name on the Hub, where it came from there."""
    return located.name if "snapshots" in located.directory.parts and not Path(located.name).is_dir() else None
