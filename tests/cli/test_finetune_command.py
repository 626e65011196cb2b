"""gptcli finetune: what its options turn into, what it says, and how it ends."""

import dataclasses
import json
import os
import signal
from io import BytesIO

import pytest

from gptcli.cli import ranks
from gptcli.data.options import DataOptions
from gptcli.data.roles import WantedRoles
from gptcli.errors import InputError, TrainingError
from gptcli.tasks.events import Notice, Stage
from gptcli.tasks.training_record import tables_of_finetune
from gptcli.training.config_file import write
from gptcli.training.events import CheckpointSaved, Interrupted
from gptcli.training.options import LoraOptions, TrainingOptions
from tests.cli.fake_training import command, evaluation, finished, started, step
from tests.cli.test_doctor import REPORT

ALL = """finetune a.tsv b.tsv --validation v.tsv --label-separator ; --label-column l --text-column t --lines
--epochs 2 --max-steps 9 --max-tokens 10 --max-time 2m --batch-size auto --gradient-accumulation 4 --lr 1e-3
--warmup 5 --schedule wsd --optimizer muon --weight-decay 0 --max-grad-norm 0 --label-smoothing 0.2 --dropout 0.3
--seed 3 --max-length 64 --overflow drop --no-packing --gradient-checkpointing --mixed-precision bf16 --freeze 0
--compile --eval-every 10 --save-every 0.5 --keep 1 --early-stopping 2 --sample-prompt Once --report-to wandb
--report-to tensorboard --lora 8 --lora-alpha 9 --lora-dropout 0.1 --lora-target c_attn,c_fc --lora-target score
--merge -m base --device cpu -o out --overwrite"""


def test_every_option_reaches_the_task(training):
    ended = command(*ALL.split())
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    config = training.config
    assert config.data == DataOptions(
        paths=("a.tsv", "b.tsv"),
        wanted=WantedRoles(text_column="t", label_column="l"),
        validation="v.tsv",
        label_separator=";",
        lines=True,
    )
    assert (config.model, config.run.device, config.run.output, config.run.overwrite) == ("base", "cpu", "out", True)
    assert TrainingOptions(**config.run.given) == TrainingOptions(
        epochs=2.0,
        max_steps=9,
        max_tokens=10,
        max_time=120.0,
        batch_size="auto",
        gradient_accumulation=4,
        lr=1e-3,
        warmup=5.0,
        schedule="wsd",
        optimizer="muon",
        weight_decay=0.0,
        max_grad_norm=0.0,
        label_smoothing=0.2,
        dropout=0.3,
        seed=3,
        max_length=64,
        overflow="drop",
        packing=False,
        gradient_checkpointing=True,
        mixed_precision="bf16",
        compile=True,
        eval_every=10.0,
        save_every=0.5,
        keep=1,
        early_stopping=2,
        sample_prompt="Once",
        report_to=("wandb", "tensorboard"),
        lora=LoraOptions(rank=8, alpha=9.0, dropout=0.1, target=("c_attn", "c_fc", "score"), merge=True),
    )
    assert set(config.run.given) == {field.name for field in dataclasses.fields(TrainingOptions)}


def test_nothing_is_settled_that_was_not_given(training):
    assert command("finetune", "a.csv").code == 0
    assert training.config.run.given == {}
    assert training.config.data == DataOptions(paths=("a.csv",))
    assert (training.config.model, training.config.run.device) == (None, "auto")


def test_prompt_columns_a_template_and_a_regression_reach_the_task(training):
    pair = "--prompt-column p --prompt-column q --completion-column c --template qa --task complete"
    assert command("finetune", "a.csv", *pair.split()).code == 0
    assert training.config.data.wanted == WantedRoles(task="complete", prompt_columns=("p", "q"), completion_column="c")
    assert training.config.data.template == "qa"
    assert command("finetune", "a.csv", "--regression", "--validation-split", "0.3").code == 0
    assert training.config.data.regression
    assert training.config.data.validation_split == 0.3


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "no data: try gptcli finetune FILE, or send it to standard input and give -"),
        ("-o out", "no data: try gptcli finetune FILE -o out"),
        ("a.csv --lora-alpha 3 --merge", "--lora-alpha and --merge cannot apply without --lora R"),
        ("a.csv --lora 0", "--lora must be at least 1, not 0"),
        ("a.csv --lr 0", "--lr must be above 0, not 0"),
        ("a.csv --batch-size many", "--batch-size wants a number or auto, not 'many'"),
        ("a.csv --max-time soon", "--max-time wants a duration like 90s, 30m, 2h or 1h30m, not 'soon'"),
        ("a.csv --report-to mlflow", "--report-to wants tensorboard or wandb, not 'mlflow'"),
        ("a.csv -o out --resume --overwrite", "--overwrite and --resume contradict each other: give one of them"),
        (
            "a.csv --validation v.csv --validation-split 0.1",
            "--validation and --validation-split contradict each other: give one of them",
        ),
        ("a.csv --num-processes 0", "--num-processes must be at least 1, not 0"),
        ("- -", "standard input (-) can be read once only"),
        ("--resume outt", "there is no outt: --resume wants the directory of a run, or the data that it read"),
        ("--resume -o out", "there is no out/training.toml: give the data too, gptcli finetune FILE -o out --resume"),
        ("a.csv --config no.toml", "--config no.toml cannot be read: No such file or directory"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_2(training, line, told):
    ended = command("finetune", *line.split())
    assert (ended.code, ended.out, ended.err) == (2, "", f"gptcli: error: {told}\n")
    assert training.config is None


@pytest.mark.parametrize(
    ("path", "output"),
    [
        ("train.tsv", "train-model"),
        ("x/reviews.csv.gz", "reviews-model"),
        ("a.b.jsonl", "a.b-model"),
        ("-", "stdin-model"),
        ("texts.d/", "texts.d-model"),
        (".txt", "txt-model"),
    ],
)
def test_a_model_is_named_after_its_data_and_the_name_is_told(training, tmp_path, path, output):
    (tmp_path / "texts.d").mkdir()
    ended = command("finetune", path)
    assert training.config.run.output == output
    assert ended.err == f"gptcli: the model goes to {output}\n"


def test_a_dry_run_prints_the_report_and_nothing_else(training):
    training.events = [REPORT]
    ended = command("finetune", "a.csv", "--dry-run")
    assert training.config.dry_run
    assert ended.out.startswith("data        reviews.csv\ntask        classify: columns text and label")
    assert ended.err == ""


def test_the_story_of_a_run_is_on_stderr(training, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["GPT2ForSequenceClassification"]}))
    training.events = [
        Stage(text="classify: 90 rows"),
        Notice(text="2 rows are empty"),
        Notice(text="seed 0", detail=True),
        started(trainable=10),
        step(1),
        evaluation(),
        CheckpointSaved(step=100, path="out/checkpoint-100"),
        finished(tmp_path),
    ]
    ended = command("finetune", "a.csv", "-o", "out")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.splitlines() == [
        "gptcli: classify: 90 rows",
        "gptcli: warning: 2 rows are empty",
        "gptcli: 1,000 parameters, 10 of them trained; 8 sequences a step, 200 steps",
        "gptcli: step 1/200, 0%, epoch 0.01, loss 3.9900, lr 5.00e-05, 1,234 tokens/s, 1.5 GiB, 0:03:19 left",
        "gptcli: step 100: loss 2.5, macro f1 0.75 on 50 rows, the best so far",
        "gptcli: done after 200 steps: 3 epochs; the model is that of step 180, the best",
        "gptcli:   loss      2.5",
        "gptcli:   macro f1  0.75",
        f"gptcli: the model is in {tmp_path}",
        f'gptcli: next: gptcli classify -m {tmp_path} "..."',
    ]
    verbose = command("finetune", "a.csv", "-o", "out", "-v").err
    assert "gptcli: seed 0\n" in verbose
    assert "gptcli: step 100: saved out/checkpoint-100\n" in verbose


def test_a_model_that_writes_is_to_be_tried_with_generate(training, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["GPT2LMHeadModel"]}))
    training.events = [finished(tmp_path, metrics={}, best_step=200)]
    lines = command("finetune", "a.csv", "-o", "out").err.splitlines()
    assert lines[0] == "gptcli: done after 200 steps: 3 epochs"
    assert lines[-1] == f'gptcli: next: gptcli generate -m {tmp_path} "..."'


def test_a_model_whose_template_has_several_columns_is_to_be_given_rows(training, tmp_path):
    template = {"name": "qa", "template": "{context}\n{question}{answer}", "completion": "answer"}
    (tmp_path / "template.json").write_text(json.dumps(template))
    training.events = [finished(tmp_path)]
    lines = command("finetune", "a.csv", "-o", "out").err.splitlines()
    assert lines[-1] == f"gptcli: next: gptcli generate -m {tmp_path} -i FILE"


def test_quiet_says_nothing_but_errors(training, tmp_path):
    training.events = [Stage(text="x"), Notice(text="y"), started(), step(1), evaluation(), finished(tmp_path)]
    assert command("finetune", "a.csv", "-q").err == ""
    training.events = [TrainingError("the loss of step 3 is not finite")]
    ended = command("finetune", "a.csv", "-q")
    assert (ended.code, ended.err) == (6, "gptcli: error: the loss of step 3 is not finite\n")


@pytest.mark.parametrize(
    ("number", "code", "told"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_the_first_signal_asks_to_stop_and_the_run_tells_how_to_go_on(training, number, code, told):
    asked = []
    training.events = [
        started(),
        lambda: os.kill(os.getpid(), number),
        lambda: asked.append(training.config.run.stop()),
        Interrupted(step=7, directory="my model"),
    ]
    before = signal.getsignal(number)
    ended = command("finetune", "a.csv", "-o", "my model")
    assert asked == [True]
    assert ended.code == code
    assert ended.err.splitlines()[1:] == [
        f"gptcli: {told}",
        "gptcli: stopped after step 7; go on with: gptcli finetune --resume 'my model'",
    ]
    assert signal.getsignal(number) == before
    assert training.closed


def test_the_second_signal_ends_the_run_at_once(training):
    def press() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    training.events = [started(), CheckpointSaved(step=5, path="x"), press, press, step(6)]
    ended = command("finetune", "a.csv", "-o", "out")
    assert ended.code == 130
    assert ended.err.endswith("stopped after step 5; go on with: gptcli finetune --resume out\n")
    assert training.closed


def test_a_signal_before_the_training_ends_the_run_as_usual(training):
    training.events = [Stage(text="reading"), lambda: os.kill(os.getpid(), signal.SIGINT), started()]
    ended = command("finetune", "a.csv", "-o", "out")
    assert (ended.code, ended.err) == (130, "gptcli: reading\ngptcli: interrupted\n")


def test_data_from_standard_input_is_needed_again_to_go_on(training):
    training.events = [started(), Interrupted(step=7, directory="out")]
    ended = command("finetune", "-", "-o", "out", "--num-processes", "1")
    assert ended.err.endswith("gptcli finetune --resume out --num-processes 1, with the same data on standard input\n")


def leave_record(training, directory, *arguments: str) -> None:
    """Run a command, and write to a directory what its task would."""
    assert command("finetune", *arguments, "-o", str(directory)).code == 0
    directory.mkdir()
    resolved = TrainingOptions(**training.config.run.given)
    write(directory / "training.toml", tables_of_finetune(training.config, resolved))


def test_a_directory_is_resumed_with_all_options_it_began_with(training, tmp_path):
    leave_record(training, tmp_path / "out", "a.csv", "-m", "base", "--lr", "1", "--lora", "4", "--device", "cpu")
    began = training.config
    assert command("finetune", "--resume", "out").code == 0
    config = training.config
    assert config.data == dataclasses.replace(began.data, paths=(str(tmp_path / "a.csv"),))
    assert (config.model, config.run.device, config.run.output, config.run.resume) == ("base", "cpu", "out", True)
    assert TrainingOptions(**config.run.given) == TrainingOptions(**began.run.given)


def test_options_of_the_command_line_win_over_those_of_the_resumed_run(training, tmp_path, monkeypatch):
    leave_record(training, tmp_path / "out", "a.csv", "-m", "base", "--lr", "1", "--max-steps", "5")
    monkeypatch.setenv("GPTCLI_MODEL", "other")
    assert command("finetune", "b.csv", "--resume", "out", "--epochs", "2").code == 0
    config = training.config
    assert config.run.output == "out", "it was read as data, for a run of b.csv in b-model"
    assert config.data.paths == ("b.csv",)
    assert config.model == "base", "the environment is no wish for this run"
    given = config.run.given
    assert (given["lr"], given["epochs"], given.get("max_steps")) == (1.0, 2.0, None)


def test_a_run_is_repeated_from_its_file_elsewhere(training, tmp_path):
    leave_record(training, tmp_path / "out", "a.csv", "--lr", "1")
    assert command("finetune", "--config", "out/training.toml", "--lr", "2", "-o", "new").code == 0
    assert training.config.data.paths == (str(tmp_path / "a.csv"),)
    assert training.config.run.given["lr"] == 2.0
    assert not training.config.run.resume
    command("finetune", "--config", "out/training.toml")
    assert training.config.run.output == "a-model"


def test_a_mistake_in_a_file_is_named_with_its_place(training, tmp_path):
    (tmp_path / "c.toml").write_text("[training]\nlearning_rat = 1")
    ended = command("finetune", "a.csv", "--config", "c.toml")
    assert ended.code == 2
    assert ended.err.startswith("gptcli: error: c.toml: [training] has no option learning_rat: ")


@pytest.mark.parametrize(("rank", "told"), [("0", "told"), ("1", "rank 1: told")])
def test_only_the_first_process_speaks_and_others_mark_their_errors(training, rank, told, monkeypatch):
    monkeypatch.setattr(ranks, "COURTESY_SECONDS", 0)
    training.events = [started(), evaluation(), REPORT, InputError("told")]
    ended = command("finetune", "a.csv", "-o", "x", environment={"RANK": rank, "WORLD_SIZE": "2"})
    assert ended.code == 3
    assert training.config.run.rank == int(rank)
    assert ended.err.splitlines()[-1] == f"gptcli: error: {told}"
    assert (len(ended.err.splitlines()) > 1) == (ended.out != "") == (rank == "0")


def test_another_process_that_its_launcher_stops_leaves_the_word_to_the_first(training, monkeypatch):
    """torchrun ended all with "rank 1: no column x" and the first one's "terminated": rank 1 was quicker."""

    def stopped(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(ranks.time, "sleep", stopped)
    training.events = [InputError("told")]
    ended = command("finetune", "a.csv", "-o", "x", environment={"RANK": "1", "WORLD_SIZE": "2"})
    assert (ended.code, ended.err) == (130, "")


def test_another_process_ends_silently_when_interrupted(training):
    training.events = [started(), Interrupted(step=1, directory="x")]
    ended = command("finetune", "a.csv", "-o", "x", environment={"RANK": "1", "WORLD_SIZE": "2"})
    assert (ended.code, ended.err) == (130, "")


def test_a_launcher_and_an_option_that_disagree_are_an_error(training):
    ended = command("finetune", "a.csv", "--num-processes", "3", environment={"RANK": "0", "WORLD_SIZE": "2"})
    assert ended.code == 2
    assert ended.err == "gptcli: error: --num-processes 3, but the launcher started 2: leave the option out\n"


def test_a_report_goes_to_a_broken_pipe_silently(training):
    class Gone(BytesIO):
        def write(self, data: bytes) -> int:
            raise BrokenPipeError

    training.events = [REPORT]
    ended = command("finetune", "a.csv", "--dry-run", stdout=Gone())
    assert (ended.code, ended.err) == (141, "")
