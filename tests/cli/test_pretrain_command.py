"""gptcli pretrain: what its options turn into."""

import pytest

from gptcli.cli.pretrain import command as pretrain
from gptcli.cli.training_pretrain import PretrainingFlags
from gptcli.tasks.training_config import PretrainConfig
from gptcli.tasks.training_record import tables_of_pretrain
from gptcli.training.config_file import write
from gptcli.training.defaults import pretrain_options
from gptcli.training.events import Interrupted
from gptcli.training.options import TrainingOptions
from gptcli.training.sizes import ShapeOptions
from tests.cli.fake_training import command, started


def test_every_option_of_its_own_reaches_the_task(training):
    line = """a.txt texts --column body --validation-split 0.2 --tokenizer train --vocab-size 500 --size mini
    --n-layer 2 --n-head 2 --n-embd 8 --n-positions 16 --device cpu --max-tokens 1000 -o out"""
    assert command("pretrain", *line.split()).code == 0
    run = training.config.run
    assert training.config == PretrainConfig(
        paths=("a.txt", "texts"),
        run=run,
        column="body",
        tokenizer="train",
        vocab_size=500,
        shape=ShapeOptions(size="mini", n_layer=2, n_head=2, n_embd=8, n_positions=16),
        validation_split=0.2,
    )
    assert (run.output, run.device, run.given) == ("out", "cpu", {"max_tokens": 1000})


def test_nothing_is_settled_that_was_not_given(training):
    ended = command("pretrain", "books.txt")
    assert ended.err == "gptcli: the model goes to books-model\n"
    assert training.config == PretrainConfig(paths=("books.txt",), run=training.config.run)
    assert training.config.run.given == {}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "no data: try gptcli pretrain FILE\n"),
        ("-", "pretrain reads files, which it may need more than once: save standard input to one"),
        ("a.txt --n-embd 7", "--n-embd 7 must be a multiple of --n-head 4"),
        (
            "a.txt --tokenizer gpt2 --vocab-size 9",
            "--vocab-size is for --tokenizer train: another tokenizer has its own",
        ),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_2(training, line, told):
    ended = command("pretrain", *line.split())
    assert ended.code == 2
    assert ended.err.startswith(f"gptcli: error: {told}")


def test_a_directory_is_resumed_with_all_options_it_began_with(training, tmp_path):
    training.events = [started(), Interrupted(step=3, directory="out")]
    ended = command("pretrain", "a.txt", "--size", "mini", "--lr", "1", "-o", "out", "--device", "cpu")
    assert ended.code == 130
    assert ended.err.endswith("stopped after step 3; go on with: gptcli pretrain --resume out\n")
    began = training.config
    resolved = pretrain_options(began.run.given, began.shape.resolved())
    (tmp_path / "out").mkdir()
    write(tmp_path / "out" / "training.toml", tables_of_pretrain(began, resolved), command="pretrain")
    training.events = []
    assert command("pretrain", "--resume", "out").code == 0
    config = training.config
    assert config.paths == (str(tmp_path / "a.txt"),)
    assert (config.shape, config.run.device, config.run.resume) == (began.shape, "cpu", True)
    assert TrainingOptions(**config.run.given) == resolved


def test_help_tells_the_defaults_that_it_has(capsys):
    assert command("pretrain", "--help").code == 0
    told = " ".join(capsys.readouterr().out.split())
    chosen, plain = pretrain_options({}, ShapeOptions().resolved()), TrainingOptions()
    for name in TrainingOptions.__slots__:
        default = getattr(chosen, name)
        if default != getattr(plain, name) and name != "lr":
            option = told.partition(f"--{name.replace('_', '-')} ")[2].partition(" --")[0]
            assert f"[default: ({default:g})]" in option if isinstance(default, float) else f"({default})" in option
    assert "The highest learning rate. [default: (by the size)]" in told


def test_it_has_no_option_that_a_new_model_has_no_use_for():
    assert pretrain.__doc__
    names = set(PretrainingFlags.__dataclass_fields__)
    assert set(TrainingOptions.__slots__) - names == {"packing", "overflow", "freeze", "lora"}
