"""What a run trains: the base model made ready for the task, and the files that it will be saved as."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from transformers import AutoTokenizer, GPT2ForSequenceClassification, GPT2LMHeadModel
from transformers.modeling_utils import PreTrainedModel

from gptcli.checkpoint.files import weight_files
from gptcli.checkpoint.locate import Located
from gptcli.data.labels import LabelSet
from gptcli.training.model import Built, blocks_of, classifier, freeze_layers, language_model
from gptcli.training.objectives import Label, NextToken, Objective
from gptcli.training.options import TrainingOptions
from gptcli.training.rows import RowSet
from gptcli.training.saving import AdapterFiles, ModelFiles

PAD = "<|pad|>"
"""A token of its own, so that a text's true <|endoftext|> is never taken for padding by software that pads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model in training."""

    objective: Objective
    files: ModelFiles
    base_digest: str
    num_labels: int | None


def make_subject(rows: RowSet, located: Located, options: TrainingOptions, *, work: Path) -> Subject:
    """Build it; work is a directory for a tokenizer that gets a pad token. Raises ModelError and ConfigError."""
    labels, base = rows.labels, located.directory
    tokenizer, pad_id = base, None
    if labels is not None:
        tokenizer, pad_id = _with_pad(base, work, adapter=options.lora is not None and not options.lora.merge)
    if labels is None:
        built = language_model(base, dropout=options.dropout)
    else:
        built = classifier(base, labels, dropout=options.dropout, pad_id=pad_id, seed=options.seed)
    files = ModelFiles(config=built.config, base=base, tokenizer=tokenizer, template=rows.template)
    if options.lora is not None:
        files = _adapt(built, files, located, options, is_classifier=labels is not None)
    elif options.freeze:
        freeze_layers(built.model, options.freeze)
    speed_up(built.model, options)
    return Subject(
        objective=objective_of(built.model, labels, options),
        files=files,
        base_digest=digest_of(base),
        num_labels=None if labels is None else max(1, len(labels.names)),
    )


def digest_of(directory: Path) -> str:
    """Return a hash of a checkpoint's weights."""
    digest = hashlib.sha256()
    for path in weight_files(directory):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]


def objective_of(model: PreTrainedModel, labels: LabelSet | None, options: TrainingOptions) -> Objective:
    """Return what is learned: the next token, or a label where there are labels."""
    if labels is None:
        assert isinstance(model, GPT2LMHeadModel)
        return NextToken(model, label_smoothing=options.label_smoothing)
    assert isinstance(model, GPT2ForSequenceClassification)
    return Label(model, kind=labels.kind, label_smoothing=options.label_smoothing)


def _adapt(
    built: Built, files: ModelFiles, located: Located, options: TrainingOptions, *, is_classifier: bool
) -> AdapterFiles:
    """Put an adapter into the model, and return how it is saved."""
    from gptcli.training.lora import add_adapter  # peft takes a second

    assert options.lora is not None
    peft = add_adapter(
        built.model, options.lora, base=_findable(located), is_classifier=is_classifier, seed=options.seed
    )
    return AdapterFiles(
        config=files.config, base=files.base, tokenizer=files.tokenizer, template=files.template, peft=peft
    )


def _findable(located: Located) -> str:
    """Return how peft finds the base again: a directory by its path, a model of the Hub by its name."""
    if located.base is None and not Path(located.name).is_dir() and "snapshots" in located.directory.parts:
        return located.name
    return str(located.directory.resolve())


def _with_pad(base: Path, work: Path, *, adapter: bool) -> tuple[Path, int | None]:
    """Return the directory of a tokenizer that has a pad token, and the token's id.

    An adapter cannot carry a new row of the embedding: there the end of text has to do, which only software that pads
    ever sees.
    """
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    if tokenizer.pad_token is None or tokenizer.pad_token == tokenizer.eos_token:
        if adapter:
            tokenizer.pad_token = tokenizer.eos_token
        else:
            tokenizer.add_special_tokens({"pad_token": PAD})
        tokenizer.save_pretrained(work)
        return work, tokenizer.pad_token_id
    return base, tokenizer.pad_token_id


def speed_up(model: PreTrainedModel, options: TrainingOptions) -> None:
    """Turn on what --gradient-checkpointing and --compile ask for."""
    if options.gradient_checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
        # It makes gradients go back to the embeddings, which only reentrant ones need: through frozen layers, in vain.
        model.disable_input_require_grads()  # type: ignore[no-untyped-call]
    if options.compile:
        for block in blocks_of(model):
            # All that attention does depends on the rows' lengths; the rest of a layer is compiled once.
            block.get_submodule("mlp").compile(dynamic=True)
