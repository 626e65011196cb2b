"""The table of bad options, places and checkpoints of training; test_bad_training_input.py runs it."""

import os
from collections.abc import Callable
from pathlib import Path

from tests.bad_training_input import GOOD, LM, Case

OPTIONS = [
    Case(
        name="--max-length over the context",
        line="finetune a.csv --max-length 49",
        files={"a.csv": LM},
        code=2,
        told="--max-length must be at most 48, the model's context",
    ),
    Case(
        name="a model that does not exist",
        line="finetune a.csv -m nosuchmodel",
        files={"a.csv": LM},
        code=4,
        told="no model 'nosuchmodel'",
    ),
    Case(
        name="a model that is half written",
        line="finetune a.csv -m m",
        files={"a.csv": LM, "m/config.json": b'{"model_type": "gp'},
        code=4,
        told="m.*config.json",
    ),
    Case(
        name="an unknown --lora-target",
        line="finetune a.csv --lora 2 --lora-target c_attn,nosuch",
        files={"a.csv": LM},
        code=2,
        told="--lora-target nosuch: no such matrix is in the layers: give c_attn, c_proj or c_fc",
    ),
    Case(
        name="a module that cannot be adapted",
        line="finetune a.csv --lora 2 --lora-target attn",
        files={"a.csv": LM},
        code=2,
        told="--lora-target attn: ",
    ),
    Case(name="a device that is absent", line="finetune a.csv --device cuda", code=5, told="--device cuda: no such"),
    Case(
        name="pretraining on nothing",
        line="pretrain a.txt --size tiny",
        files={"a.txt": b""},
        code=3,
        told="a.txt is empty",
    ),
    Case(
        name="pretraining on a file that is missing",
        line="pretrain a.txt",
        code=3,
        told="cannot read a.txt: No such file",
    ),
    Case(
        name="pretraining on an unknown column",
        line="pretrain a.csv --size tiny --column body",
        files={"a.csv": GOOD},
        code=3,
        told="a.csv:2: no column body: .*text, label",
    ),
    Case(
        name="pretraining on one document that is held out",
        line="pretrain a.txt --size tiny --vocab-size 260 --validation-split 0.99",
        files={"a.txt": b"one document\n" * 9},
        code=3,
        told="a.txt: no text to learn from, for all of it is held out: give more, or --validation-split 0",
    ),
    Case(name="pretraining from standard input", line="pretrain -", code=2, told="pretrain reads files, .*save"),
]

PLACES = [
    Case(
        name="an output directory that exists",
        files={"a.csv": LM, "out/mine.txt": b"precious"},
        code=2,
        told="out is there already: give another -o, or --overwrite to replace it, or --resume",
    ),
    Case(
        name="one that no run wrote, to be overwritten",
        line="finetune a.csv --overwrite",
        files={"a.csv": LM, "out/mine.txt": b"precious"},
        code=2,
        told="out has no training.toml, so no run wrote it: give another directory with -o",
    ),
    Case(
        name="a file in its place",
        files={"a.csv": LM, "out": b"precious"},
        code=2,
        told="out is a file: give another directory with -o",
    ),
    Case(
        name="one below a file",
        line="finetune a.csv -o file/out",
        files={"a.csv": LM, "file": b"precious"},
        code=3,
        told="file/out cannot be written: Not a directory; give another directory with -o",
    ),
    Case(
        name="a place that is read-only",
        line="finetune a.csv -o /proc/self/fdinfo/out",
        files={"a.csv": LM},
        code=3,
        told="/proc/self/fdinfo/out cannot be written: .*; give another directory with -o",
    ),
    Case(
        name="--resume without a run",
        line="finetune a.csv --resume",
        files={"a.csv": LM},
        code=2,
        told="out has no run to resume: leave --resume out to begin one",
    ),
    Case(
        name="--resume and --overwrite",
        line="finetune a.csv --resume --overwrite",
        files={"a.csv": LM},
        code=2,
        told="--overwrite and --resume contradict each other",
    ),
]


def _truncate(*names: str) -> Callable[[Path], object]:
    """Return a function that cuts files of a run's checkpoints in half."""

    def truncate(output: Path) -> None:
        for name in names:
            for path in output.glob(f"checkpoints/{name}"):
                os.truncate(path, path.stat().st_size // 2)

    return truncate


def _nothing(output: Path) -> None:
    """Leave a run as it was stopped."""


RESUMED = [
    Case(
        name="the newest checkpoint half written",
        line="finetune --resume out",
        damage=_truncate("step-00000003/optimizer.safetensors"),
        code=0,
        told="step-00000003: optimizer.safetensors is damaged; going on from step 2",
    ),
    Case(
        name="no checkpoint whole",
        line="finetune --resume out",
        damage=_truncate("*/state.json", "*/model.safetensors"),
        code=6,
        told="no checkpoint is whole: .*step-00000003: state.json is damaged; .*; begin again with --overwrite",
    ),
    Case(
        name="a checkpoint whose state is of another kind",
        line="finetune --resume out",
        damage=lambda output: [path.write_text("[1]") for path in output.glob("checkpoints/*/state.json")],
        code=6,
        told="no checkpoint is whole: .*state.json is damaged",
    ),
    Case(
        name="a checkpoint of another data set",
        line="finetune b.csv -o out --resume --lr 0.5",
        files={"b.csv": LM + b"one more row\n"},
        damage=_nothing,
        code=2,
        told="step-00000003 is of another run: the data was '.*', now '.*'; give the same, or begin again with --over",
    ),
    Case(
        name="a checkpoint of other options",
        line="finetune --resume out --lr 0.5",
        damage=_nothing,
        code=2,
        told="step-00000003 is of another run: --lr was 0.001, now 0.5; give the same",
    ),
    Case(
        name="a checkpoint of another model",
        line="finetune --resume out -m builtin",
        damage=_nothing,
        code=2,
        told="step-00000003 is of another run: the base model was",
    ),
    Case(
        name="options of the run half written",
        line="finetune --resume out",
        damage=lambda output: os.truncate(output / "training.toml", 150),
        code=2,
        told=r"out/training.toml:\d+: is not TOML",
    ),
    Case(
        name="options of the run gone, and the data given as it was told",
        line="finetune a.csv -m builtin -o out --resume",
        damage=lambda output: (output / "training.toml").unlink(),
        code=2,
        told="step-00000003 is of another run: the base model was",
    ),
    Case(
        name="the data gone",
        line="finetune --resume out",
        damage=lambda output: (output.parent / "a.csv").unlink(),
        code=3,
        told="cannot read .*a.csv: No such file or directory",
    ),
    Case(
        name="a run that is finished",
        line="finetune --resume out",
        damage=lambda output: (output / "model.safetensors").touch(),
        code=0,
        told="out is finished: there is nothing to resume",
    ),
    Case(
        name="the model that is tuned, to be overwritten",
        line="finetune a.csv -m out/checkpoints/step-00000003 -o out --overwrite",
        damage=_nothing,
        code=2,
        told="--overwrite would remove out/checkpoints/step-00000003, the model that is tuned: give another -o",
    ),
]
