"""Law 9: no code of a checkpoint is ever run, and its weights are not unpickled."""

import ast
import json
import pickle
import shutil
from pathlib import Path

import pytest

import gptcli
from tests.command import gptcli as command

SOURCES = sorted(Path(gptcli.__file__).parent.rglob("*.py"))


class Malicious:
    """An object whose pickle, where it is obeyed, creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_pickle_that_carries_code_is_refused_and_the_code_is_not_run(tmp_path: Path, builtin: Path) -> None:
    model, victim = tmp_path / "model", tmp_path / "created"
    shutil.copytree(builtin, model)
    (model / "model.safetensors").unlink()
    (model / "pytorch_model.bin").write_bytes(pickle.dumps({"wte.weight": Malicious(victim)}, protocol=2))
    ended = command(f"generate x -m {model}")
    assert (ended.code, ended.out) == (4, b"")
    assert not victim.exists()


def test_a_checkpoint_that_asks_for_its_own_code_is_read_without_it(tmp_path: Path, builtin: Path) -> None:
    model, victim = tmp_path / "model", tmp_path / "created"
    shutil.copytree(builtin, model)
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModelForCausalLM": "evil.Evil"}}))
    (model / "evil.py").write_text(f"open({str(victim)!r}, 'w')")
    assert command(f"generate x --max-new-tokens 1 -m {model}").code == 0
    assert not victim.exists()


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_no_module_unpickles_or_trusts_remote_code(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    assert "trust_remote_code" not in text
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in ("pickle.load", "pickle.loads", "eval", "exec")
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            assert any(word.arg == "weights_only" and ast.unparse(word.value) == "True" for word in node.keywords)
