"""An adapter that peft saved is a model like any other, equal to what peft itself computes, or refused by name."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.numpy import load_file, save_file
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel

from gptcli.checkpoint.cache import cache_directory
from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.locate import PACKAGED, Located, locate
from gptcli.checkpoint.weights import open_weights
from gptcli.errors import ModelError
from tests.checkpoint.conftest import VOCABULARY

# peft reads a name that newer versions of transformers deprecate.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")

TARGETS = ["c_attn", "c_proj", "c_fc"]
TOKENS = torch.arange(2, 14)[None]


def ignore(_description: str, _done: int, _total: int | None) -> None:
    """Take no notice of progress."""


def find(adapter: Path) -> Located:
    """Find it as every command does."""
    return locate(str(adapter), on_progress=ignore)


def randomized(model: torch.nn.Module) -> torch.nn.Module:
    """Give every adapter something to say: peft begins with one half of each zero."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name or "score" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(len(name))))
    return model.eval()


@pytest.fixture
def adapt(checkpoint: Path, tmp_path: Path) -> Callable[..., Any]:
    """Return a maker of adapters of the tiny checkpoint, saved in adapter/ by peft."""

    def make(kind: type = GPT2LMHeadModel, **options: Any) -> Any:
        base = kind.from_pretrained(checkpoint)
        config = LoraConfig(**{"r": 3, "target_modules": TARGETS, "fan_in_fan_out": True, **options})
        model = randomized(get_peft_model(base, config))
        model.save_pretrained(tmp_path / "adapter", save_embedding_layers=False)
        return model

    return make


@pytest.fixture
def adapter(adapt: Callable[..., Any], tmp_path: Path) -> Path:
    """Return the directory of a plain adapter."""
    adapt(task_type="CAUSAL_LM")
    return tmp_path / "adapter"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forbid to ask the Hub."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def rewrite(path: Path, **values: object) -> None:
    """Change values of a JSON file; None as a key's value removes nothing."""
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lora_alpha": 32, "target_modules": ["c_attn"]},
        {"use_rslora": True, "lora_alpha": 5, "fan_in_fan_out": False},
        {"rank_pattern": {"h.0.attn.c_attn": 2, "c_fc": 5}, "alpha_pattern": {r".*\.1\.mlp\.c_proj": 40}},
        {"init_lora_weights": "gaussian", "lora_dropout": 0.3, "layers_to_transform": [1]},
    ],
)
@pytest.mark.filterwarnings("ignore:fan_in_fan_out")
def test_a_folded_adapter_gives_the_logits_of_peft(
    adapt: Callable[..., Any], tmp_path: Path, options: dict[str, Any]
) -> None:
    adapted = adapt(task_type="CAUSAL_LM", **options)
    folded = GPT2LMHeadModel.from_pretrained(find(tmp_path / "adapter").directory).eval()
    with torch.no_grad():
        plain = GPT2LMHeadModel.from_pretrained(tmp_path / "tiny")(TOKENS).logits
        wanted, found = adapted(TOKENS).logits, folded(TOKENS).logits
    assert (found - wanted).abs().max() < 1e-4
    assert (plain - wanted).abs().max() > 1e-2


def test_the_result_is_a_checkpoint_that_passes_every_check(adapter: Path) -> None:
    located = find(adapter)
    assert (located.name, located.base) == (str(adapter), str(adapter.parent / "tiny"))
    config = read_config(located.directory)
    weights = open_weights(located.directory, config)
    assert weights.tied
    base = open_weights(adapter.parent / "tiny", config)
    assert np.array_equal(weights.array("wte.weight"), base.array("wte.weight"))


def test_a_classifier_has_the_head_that_was_saved_with_it(adapt: Callable[..., Any], tmp_path: Path) -> None:
    merged = adapt(GPT2ForSequenceClassification, task_type="SEQ_CLS").merge_and_unload()
    folded = GPT2ForSequenceClassification.from_pretrained(find(tmp_path / "adapter").directory).eval()
    assert folded.config.id2label == {0: "LABEL_0", 1: "LABEL_1"}
    with torch.no_grad():
        assert (folded(TOKENS).logits - merged(TOKENS).logits).abs().max() < 1e-4


def test_the_adapter_s_own_config_names_the_labels(adapt: Callable[..., Any], tmp_path: Path) -> None:
    adapt(GPT2ForSequenceClassification, task_type="SEQ_CLS")
    shutil.copy(tmp_path / "tiny" / "config.json", tmp_path / "adapter")
    rewrite(tmp_path / "adapter" / "config.json", id2label={"0": "bad", "1": "good"})
    folded = GPT2ForSequenceClassification.from_pretrained(find(tmp_path / "adapter").directory)
    assert folded.config.id2label == {0: "bad", 1: "good"}


def test_a_classifier_may_have_gained_a_token_that_only_pads(adapt: Callable[..., Any], tmp_path: Path) -> None:
    merged = adapt(GPT2ForSequenceClassification, task_type="SEQ_CLS").merge_and_unload()
    shutil.copy(tmp_path / "tiny" / "config.json", tmp_path / "adapter")
    rewrite(tmp_path / "adapter" / "config.json", vocab_size=VOCABULARY + 1, pad_token_id=VOCABULARY)
    directory = find(tmp_path / "adapter").directory
    folded = GPT2ForSequenceClassification.from_pretrained(directory).eval()
    assert not folded.transformer.wte.weight[VOCABULARY].any()
    padded = torch.cat([TOKENS, torch.tensor([[VOCABULARY, VOCABULARY]])], dim=1)
    with torch.no_grad():
        assert (folded(padded).logits - merged(TOKENS).logits).abs().max() < 1e-4
    open_weights(directory, read_config(directory))


@pytest.mark.parametrize("kind", ["CAUSAL_LM", "SEQ_CLS"])
def test_a_base_whose_head_is_its_own_keeps_it_unless_a_score_takes_its_place(
    adapt: Callable[..., Any], make_model: Callable[..., GPT2LMHeadModel], tmp_path: Path, kind: str
) -> None:
    make_model(tie_word_embeddings=False).save_pretrained(tmp_path / "tiny")
    model = GPT2LMHeadModel if kind == "CAUSAL_LM" else GPT2ForSequenceClassification
    merged = adapt(model, task_type=kind).merge_and_unload()
    directory = find(tmp_path / "adapter").directory
    assert open_weights(directory, read_config(directory)).tied == (kind == "SEQ_CLS")
    with torch.no_grad():
        found, wanted = model.from_pretrained(directory).eval()(TOKENS).logits, merged(TOKENS).logits
    assert (found - wanted).abs().max() < 1e-4


def test_it_is_folded_once_and_again_when_a_file_changes_and_only_the_last_is_kept(adapter: Path) -> None:
    reports: list[tuple[int, int | None]] = []

    def fold() -> Path:
        reports.clear()
        return locate(str(adapter), on_progress=lambda _, done, total: reports.append((done, total))).directory

    first = fold()
    assert reports[-1][0] == reports[-1][1]
    assert fold() == first
    assert not reports
    os.utime(adapter / "adapter_model.safetensors", ns=(0, 0))
    second = fold()
    assert second != first
    os.utime(adapter.parent / "tiny" / "model.safetensors", ns=(0, 0))
    third = fold()
    assert third not in (first, second)
    assert [path.parent for path in cache_directory().rglob("model.safetensors")] == [third]


def test_the_tokenizer_and_the_template_are_the_adapter_s_own_where_it_has_them(adapter: Path) -> None:
    base = adapter.parent / "tiny"
    (base / "template.json").write_text("the base's")
    located = find(adapter)
    assert (located.directory / "tokenizer.json").read_bytes() == (base / "tokenizer.json").read_bytes()
    assert not (located.directory / "template.json").exists()
    (adapter / "template.json").write_text("its own")
    (adapter / "tokenizer.json").write_text((base / "tokenizer.json").read_text() + "\n")
    located = find(adapter)
    assert (located.directory / "template.json").read_text() == "its own"
    assert (located.directory / "tokenizer.json").read_text().endswith("\n")
    assert not (located.directory / "tokenizer_config.json").exists(), "a tokenizer's files belong together"


@pytest.mark.parametrize("name", ["../tiny", "tiny", "builtin"])
def test_the_base_is_found_beside_the_adapter_where_one_stands_or_by_name(
    adapter: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rewrite(adapter / "adapter_config.json", base_model_name_or_path=name)
    if name != "../tiny":
        monkeypatch.chdir(adapter.parent)
    if name == "builtin":
        with pytest.raises(ModelError, match="it adapts another model"):
            find(adapter)
    else:
        assert find(adapter).base is not None


@pytest.mark.parametrize("where", ["gone", "the package", "the cache"])
def test_the_built_in_model_is_found_wherever_it_lay_when_it_was_recorded(
    tmp_path: Path, builtin: Path, where: str
) -> None:
    recorded = {"gone": tmp_path / "gone" / "gptcli" / "builtin", "the package": PACKAGED, "the cache": builtin}[where]
    model = GPT2LMHeadModel.from_pretrained(builtin)
    config = LoraConfig(r=1, target_modules=["c_attn"], fan_in_fan_out=True, task_type="CAUSAL_LM")
    adapted = randomized(get_peft_model(model, config))
    adapted.save_pretrained(tmp_path / "adapter", save_embedding_layers=False)
    rewrite(tmp_path / "adapter" / "adapter_config.json", base_model_name_or_path=str(recorded))
    located = find(tmp_path / "adapter")
    assert located.base == "builtin"
    folded = GPT2LMHeadModel.from_pretrained(located.directory).eval()
    with torch.no_grad():
        assert (folded(TOKENS).logits - adapted.merge_and_unload()(TOKENS).logits).abs().max() < 1e-4


SETTINGS = [
    ({"peft_type": "IA3"}, "peft_type is 'IA3', and only LORA runs here"),
    ({"use_dora": True}, "use_dora is set"),
    ({"lora_bias": True}, "lora_bias is set"),
    ({"bias": "all"}, "bias is 'all', and only 'none' runs here"),
    ({"init_lora_weights": "pissa_niter_4"}, "init_lora_weights is 'pissa_niter_4', which changes the base"),
    ({"modules_to_save": ["wte"]}, "modules_to_save has 'wte'"),
    ({"revision": "v2"}, "revision is 'v2'"),
    ({"base_model_name_or_path": None}, "base_model_name_or_path names no model"),
    ({"base_model_name_or_path": "/no/where"}, "is an adapter, and its base model is missing: '/no/where': no such"),
    ({"base_model_name_or_path": "."}, "is an adapter too"),
    ({"base_model_name_or_path": "builtin"}, "is for shape .8, 24., but its base builtin|adapts another model"),
    ({"r": 4}, "says rank 4 for h.0.attn.c_attn, whose matrices have 3"),
    ({"lora_alpha": "8"}, "lora_alpha must be a number, not '8'"),
    ({"base_model_name_or_path": "org/none"}, "is an adapter, and its base model is missing: no model 'org/none'"),
    ({"alpha_pattern": {"(": 1}}, "alpha_pattern has '[(]', no pattern"),
    ({"task_type": "SEQ_CLS"}, "lacks score.weight, which a classifier needs"),
]


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(("settings", "told"), SETTINGS, ids=[told for _, told in SETTINGS])
def test_settings_that_cannot_be_folded_are_refused_by_name(
    adapter: Path, settings: dict[str, object], told: str
) -> None:
    rewrite(adapter / "adapter_config.json", **settings)
    with pytest.raises(ModelError, match=told) as caught:
        find(adapter)
    assert "\n" not in str(caught.value)
    assert not [path for path in cache_directory().rglob("model.safetensors") if path.parent.name != "builtin"]


def retensor(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the tensors of a file."""
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


A = "base_model.model.transformer.h.0.attn.c_attn.lora_A.weight"
TENSORS = [
    (lambda file: file.unlink(), "adapter: has no adapter_model.safetensors; save the adapter again as safetensors"),
    (lambda file: os.truncate(file, 999), "adapter_model.safetensors: truncated inside its header"),
    (lambda file: os.truncate(file, file.stat().st_size - 1), "adapter_model.safetensors: truncated"),
    (lambda file: retensor(file, lambda tensors: tensors.clear()), "holds no matrices of an adapter"),
    (lambda file: retensor(file, lambda tensors: tensors.pop(A)), "the matrices of h.0.attn.c_attn do not go together"),
    (
        lambda file: retensor(file, lambda tensors: tensors.update({A: tensors[A][:2].copy()})),
        "the matrices of h.0.attn.c_attn do not go together",
    ),
    (
        lambda file: retensor(file, lambda tensors: tensors.update({A: tensors[A].astype(np.int64)})),
        "lora_A.weight is I64 of shape",
    ),
    (
        lambda file: retensor(file, lambda tensors: tensors.update(extra=np.zeros(3, np.float32))),
        "adapts extra; here only a layer's c_attn, c_proj and c_fc",
    ),
]


@pytest.mark.parametrize(("damage", "told"), TENSORS)
def test_a_damaged_file_of_matrices_is_named(adapter: Path, damage: Callable[[Path], object], told: str) -> None:
    damage(adapter / "adapter_model.safetensors")
    with pytest.raises(ModelError, match=told):
        find(adapter)


def test_a_base_of_another_shape_is_named(adapter: Path, make_model: Callable[..., GPT2LMHeadModel]) -> None:
    make_model(n_layer=1).save_pretrained(adapter.parent / "tiny")
    with pytest.raises(ModelError, match=r"h\.1\..* but its base .*tiny has no such weight; it adapts another model"):
        find(adapter)
    rewrite(adapter / "adapter_config.json", layers_to_transform=[0])
    make_model(n_embd=16).save_pretrained(adapter.parent / "tiny")
    with pytest.raises(ModelError, match=r"is for shape \(.*8.*\), but its base .*tiny has \(.*16.*\)"):
        find(adapter)


def test_a_cache_that_cannot_be_written_names_the_variable(adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (adapter.parent / "taken").write_text("")
    monkeypatch.setenv("GPTCLI_CACHE", str(adapter.parent / "taken"))
    with pytest.raises(ModelError, match="set GPTCLI_CACHE to a directory with room"):
        find(adapter)
