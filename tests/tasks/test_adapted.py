"""An adapter's directory is a model to every command: what it writes is what peft's model writes."""

import json
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import GPT2LMHeadModel, GPT2Tokenizer

from tests.command import gptcli

# peft reads a name that newer versions of transformers deprecate.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")


@pytest.fixture(scope="module")
def adapter(builtin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an adapter of the built-in model that changes what it says."""
    directory = tmp_path_factory.mktemp("adapted") / "a"
    config = LoraConfig(r=4, target_modules=["c_attn", "c_proj"], fan_in_fan_out=True, task_type="CAUSAL_LM")
    model = get_peft_model(GPT2LMHeadModel.from_pretrained(builtin), config)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
    model.save_pretrained(directory, save_embedding_layers=False)
    return directory


def test_greedy_text_is_that_of_peft_s_own_model(adapter: Path, builtin: Path) -> None:
    base = GPT2LMHeadModel.from_pretrained(builtin)
    tokenizer = GPT2Tokenizer.from_pretrained(builtin)
    prompt = tokenizer("Once upon a time", return_tensors="pt")

    def greedy(model: torch.nn.Module) -> str:
        made = model.generate(**prompt, do_sample=False, max_new_tokens=12, pad_token_id=0)
        return str(tokenizer.decode(made[0]))

    plain = greedy(base)
    wanted = greedy(PeftModel.from_pretrained(base, str(adapter)))
    ended = gptcli(f"generate -m {adapter} --device cpu --greedy --max-new-tokens 12 -v 'Once upon a time'")
    assert ended.out.decode().removesuffix("\n") == wanted != plain
    assert f"gptcli: {adapter} is an adapter of builtin\n" in ended.err


@pytest.mark.parametrize("name", ["/no/where", "org/none"])
def test_a_base_that_is_missing_is_one_line_and_exit_4(adapter: Path, tmp_path: Path, name: str) -> None:
    settings = json.loads((adapter / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings | {"base_model_name_or_path": name}))
    (tmp_path / "adapter_model.safetensors").symlink_to(adapter / "adapter_model.safetensors")
    ended = gptcli(f"generate -m {tmp_path} --device cpu Once")
    assert (ended.code, ended.out) == (4, b"")
    (line,) = ended.err.splitlines()
    assert f"{tmp_path} is an adapter, and its base model is missing: " in line
    assert name in line
