"""An adapter that finetune leaves is peft's, equals the model that was trained, and can be folded in."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import AutoPeftModelForCausalLM, PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from gptcli.errors import ConfigError
from gptcli.training.batches import Example, make_batch
from gptcli.training.events import Interrupted, TrainingStarted
from gptcli.training.objectives import Objective
from gptcli.training.options import LoraOptions
from tests.command import gptcli
from tests.conftest import save_random_gpt2
from tests.tuning import Tuned, tune, write_rows

# peft reads a name that newer versions of transformers deprecate.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")

ROWS = [{"text": f"row {n} of {n * n}", "label": ("no", "maybe", "yes")[n % 3]} for n in range(24)]
QUICK: dict[str, Any] = {
    "lr": 1e-2,
    "batch_size": 4,
    "max_steps": 6,
    "eval_every": 100.0,
    "save_every": 3.0,
    "validation_split": 0.0,
}
PROBE = torch.tensor([[5, 6, 7, 1, 8, 9]])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return labelled rows."""
    return write_rows(tmp_path / "data.jsonl", ROWS)


def adapt(data: Path, model: Path, task: str, *, output: str = "out", **options: Any) -> Tuned:
    """Train an adapter with dropout."""
    lora = LoraOptions(**{"rank": 4, "dropout": 0.1, **options.pop("lora", {})})
    return tune(data, data.parent / output, model, **QUICK | options, task=task, lora=lora)


def logits_of(objective: Objective) -> torch.Tensor:
    """Return what a model in training says of the probe."""
    tokens = PROBE[0].numpy().astype(np.int32)
    with torch.no_grad():
        if objective.model.config.architectures == ["GPT2ForSequenceClassification"]:
            return objective.judged(make_batch([Example(tokens, None, 0, "")]))
        hidden = objective.hidden(make_batch([Example(tokens, tokens, None, "")]))
        logits: torch.Tensor = hidden @ objective.model.lm_head.weight.T
        return logits


def said(model: torch.nn.Module) -> torch.Tensor:
    """Return what a model of transformers or peft says of the probe."""
    with torch.no_grad():
        logits: torch.Tensor = model.eval()(PROBE).logits
    return logits[0] if logits.ndim == 3 else logits


def test_an_adapter_of_a_language_model_is_loaded_by_peft_as_it_was_trained(
    tiny: Path, data: Path, trained: list[Objective]
) -> None:
    tuned = adapt(data, tiny, "lm")
    settings = json.loads((tuned.directory / "adapter_config.json").read_text())
    assert (settings["task_type"], settings["r"], settings["lora_alpha"]) == ("CAUSAL_LM", 4, 8)
    assert settings["base_model_name_or_path"] == str(tiny)
    assert settings["fan_in_fan_out"]
    expected = logits_of(trained[0])
    torch.testing.assert_close(said(AutoPeftModelForCausalLM.from_pretrained(tuned.directory)), expected)
    base = AutoModelForCausalLM.from_pretrained(tiny)
    assert (said(base) - expected).abs().max() > 0.01
    torch.testing.assert_close(said(PeftModel.from_pretrained(base, str(tuned.directory))), expected)


def test_an_adapter_of_a_classifier_is_loaded_by_peft_as_it_was_trained(
    tiny: Path, data: Path, trained: list[Objective]
) -> None:
    tuned = adapt(data, tiny, "classify")
    settings = json.loads((tuned.directory / "adapter_config.json").read_text())
    assert (settings["task_type"], settings["modules_to_save"]) == ("SEQ_CLS", ["classifier", "score"])
    tokenizer = AutoTokenizer.from_pretrained(tuned.directory)
    base = AutoModelForSequenceClassification.from_pretrained(tiny, num_labels=3, pad_token_id=tokenizer.pad_token_id)
    model = PeftModel.from_pretrained(base, str(tuned.directory))
    torch.testing.assert_close(said(model), logits_of(trained[0]), rtol=1e-5, atol=1e-5)
    ended = gptcli(f"classify -m {tuned.directory} --device cpu 'row 3 of 9'")
    assert ended.code == 0, ended.err
    ids = torch.tensor([tokenizer("row 3 of 9")["input_ids"]])
    with torch.no_grad():
        label = ("maybe", "no", "yes")[int(model(ids).logits.argmax())]
    assert ended.out.decode().split()[0] == label


@pytest.mark.parametrize("task", ["lm", "classify"])
def test_a_folded_adapter_is_a_plain_model_that_says_the_same(
    tiny: Path, data: Path, trained: list[Objective], task: str
) -> None:
    tuned = adapt(data, tiny, task, lora={"merge": True})
    assert not list(tuned.directory.glob("adapter*"))
    kind = AutoModelForCausalLM if task == "lm" else AutoModelForSequenceClassification
    model = kind.from_pretrained(tuned.directory)
    assert not any("lora" in name for name in model.state_dict())
    torch.testing.assert_close(said(model), logits_of(trained[0]), rtol=1e-5, atol=1e-4)
    plain = adapt(data, tiny, task, output="adapter")
    assert plain.losses == tuned.losses


def test_the_card_s_own_words_load_an_adapter(
    data: Path, trained: list[Objective], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data.parent)
    base = save_random_gpt2(data.parent / "base", n_positions=128)  # the card asks for 50 tokens
    for number, task in enumerate(("lm", "classify")):
        out = adapt(data, base, task, output=task).directory
        code = (out / "README.md").read_text().split("```python\n")[1].split("\n```")[0]
        *before, last = code.splitlines()
        names: dict[str, Any] = {}
        exec("\n".join(before), names)  # what a person would paste
        torch.testing.assert_close(said(names["model"].model), logits_of(trained[number]), rtol=1e-4, atol=1e-4)
        found = eval(last, names)
        assert found.startswith("row") if task == "lm" else found[0]["label"] in ("no", "maybe", "yes")


def test_generate_writes_with_an_adapter_what_it_writes_with_the_folded_model(tiny: Path, data: Path) -> None:
    adapter, folded = (
        adapt(data, tiny, "lm", output=str(merge), lora={"merge": merge}).directory for merge in (False, True)
    )
    written = [
        gptcli(f"generate -m {model} --device cpu --greedy --max-new-tokens 12 row").out
        for model in (adapter, folded, tiny)
    ]
    assert written[0] == written[1] != written[2]


def test_only_the_adapter_trains(tiny: Path, data: Path, trained: list[Objective]) -> None:
    tuned = adapt(data, tiny, "lm", lora={"target": ("c_attn",)})
    theirs = AutoModelForCausalLM.from_pretrained(tiny).state_dict()
    for name, tensor in trained[0].model.state_dict().items():
        if "lora_" not in name:
            assert torch.equal(tensor, theirs[name.replace(".base_layer", "")]), name
    adapter = load_file(tuned.directory / "adapter_model.safetensors")
    assert len(adapter) == 2 * 2  # two matrices in each of two layers
    assert tuned.of(TrainingStarted)[0].trainable == sum(tensor.numel() for tensor in adapter.values())


def test_a_classifier_s_head_trains_with_the_adapter(tiny: Path, data: Path) -> None:
    tuned = adapt(data, tiny, "classify", lora={"target": ("c_attn",)})
    names = load_file(tuned.directory / "adapter_model.safetensors")
    assert "base_model.model.score.weight" in names
    assert tuned.of(TrainingStarted)[0].trainable == sum(tensor.numel() for tensor in names.values())


@pytest.mark.parametrize("task", ["lm", "classify"])
def test_an_adapter_that_was_interrupted_goes_on_as_if_never_stopped(tiny: Path, data: Path, task: str) -> None:
    whole = adapt(data, tiny, task)
    asked = iter([False, True])
    first = adapt(data, tiny, task, output="halves", stop=lambda: next(asked))
    assert first.of(Interrupted)
    second = adapt(data, tiny, task, output="halves", resume=True)
    assert first.losses + second.losses == whole.losses
    saved = [load_file(run.directory / "adapter_model.safetensors") for run in (whole, second)]
    assert saved[0].keys() == saved[1].keys()
    assert all(torch.equal(saved[0][name], saved[1][name]) for name in saved[0])


def test_a_checkpoint_of_an_adapter_is_an_adapter(tiny: Path, data: Path) -> None:
    tuned = adapt(data, tiny, "lm")
    (checkpoint,) = (tuned.directory / "checkpoints").iterdir()
    said(AutoPeftModelForCausalLM.from_pretrained(checkpoint))


def test_alpha_scales_and_gradient_checkpointing_changes_nothing(tiny: Path, data: Path) -> None:
    plain = adapt(data, tiny, "lm", lora={"dropout": 0.0})
    same = adapt(data, tiny, "lm", output="same", lora={"dropout": 0.0, "alpha": 8.0}, gradient_checkpointing=True)
    assert same.losses == pytest.approx(plain.losses, rel=1e-5)
    other = adapt(data, tiny, "lm", output="other", lora={"dropout": 0.0, "alpha": 4.0})
    assert other.losses[0] == plain.losses[0]  # B begins as zeros
    assert other.losses[2] != plain.losses[2]


@pytest.mark.parametrize("target", ["q_proj", "wte", "lm_head", "mlp"])
def test_what_is_no_matrix_of_a_layer_gets_no_adapter(tiny: Path, data: Path, target: str) -> None:
    with pytest.raises(ConfigError, match=f"--lora-target {target}: "):
        adapt(data, tiny, "lm", lora={"target": ("c_attn", target)})


def test_an_alpha_that_would_switch_the_adapter_off_is_an_error(tiny: Path, data: Path) -> None:
    with pytest.raises(ConfigError, match="--lora-alpha must be above 0, not 0"):
        adapt(data, tiny, "lm", lora={"alpha": 0.0})


def test_nothing_that_peft_deprecates_reaches_a_user(tiny: Path, data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        adapt(data, tiny, "classify")
