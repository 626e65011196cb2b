"""Law 7: help, completion and usage errors import nothing heavy, and the CPU needs neither torch nor transformers."""

import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

RUN_AND_LIST_MODULES = """
import os, sys
from gptcli.cli.console import Console
from gptcli.cli.main import run
code = run(sys.argv[1:], Console.of_process(os.environ))
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""


def modules_of(arguments: list[str], code: int, **environment: str) -> set[str]:
    """Return the top-level modules that a command line has imported at its end."""
    done = subprocess.run(
        [sys.executable, "-c", RUN_AND_LIST_MODULES, *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    modules = {module.partition(".")[0] for module in done.stderr.splitlines()[-1].split()}
    assert done.returncode == code
    assert "gptcli" in modules, "the list itself must be there"
    return modules


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("--help", 0),
        ("generate --help", 0),
        ("--version", 0),
        ("", 2),
        ("generate --no-such-option", 2),
        ("generate x --greedy --top-k 3", 2),
        ("--show-completion bash", 0),
        ("finetune --help", 0),
        ("finetune", 2),
        ("finetune x.csv --lora-alpha 3", 2),
        ("finetune --config no-such-file.toml", 2),
        ("finetune x.csv --max-time soon", 2),
        ("evaluate --help", 0),
        ("evaluate x.csv --limit 0", 2),
        ("evaluate x.csv --stride 3 --labels a,b", 2),
        ("evaluate x.csv --fail-under accuracy", 2),
        ("evaluate x.jsonl --task choices --protocol hf-docs", 2),
        ("evaluate --harness lambada_openai x.csv", 2),
        ("pretrain --help", 0),
        ("pretrain", 2),
        ("pretrain x.txt --n-embd 7", 2),
        ("explain --help", 0),
        ("explain x --above 3 --lens", 2),
        ("explain x --next 3 --vs gpt2", 2),
        ("explain x --interactive", 2),
        ("chat --help", 0),
        ("chat --template nope", 2),
        ("chat --greedy --top-k 3", 2),
        ("serve --help", 0),
        ("serve --port 99999", 2),
    ],
)
def test_help_version_completion_and_usage_errors_import_nothing_heavy(line: str, code: int) -> None:
    heavy = (
        "torch transformers numpy onnxruntime onnx rich pydantic huggingface_hub tokenizers accelerate "
        "fastapi starlette uvicorn prometheus_client prompt_toolkit"
    )
    assert modules_of(line.split(), code) & set(heavy.split()) == set()


@pytest.mark.parametrize("options", ["", "--device cpu", "--dtype int8", "-v --jsonl --logprobs 2"])
def test_generate_on_the_cpu_imports_neither_torch_nor_transformers(options: str) -> None:
    line = ["generate", "Once", "-m", "builtin", "--max-new-tokens", "2", *options.split()]
    modules = modules_of(line, 0, CUDA_VISIBLE_DEVICES="")
    assert "onnxruntime" in modules
    assert not modules & {"torch", "transformers", "accelerate", "huggingface_hub", "rich"}


def test_chat_on_the_cpu_imports_neither_torch_nor_transformers(tmp_path: Path) -> None:
    talk = tmp_path / "talk.jsonl"
    talk.write_text('{"user": "Hello", "assistant": "Hi."}\n')
    modules = modules_of(["chat", "-m", "builtin", "--load", str(talk)], 3, CUDA_VISIBLE_DEVICES="")
    assert "onnxruntime" in modules
    assert not modules & {"torch", "transformers", "accelerate", "huggingface_hub", "prompt_toolkit"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "data", "options"),
    [
        ("book.txt", "Once upon a time there was a fox.\n", ""),
        ("mail.csv", "text,label\nfree money,spam\nhi dear,ham\n", "--task classify --labels spam,ham"),
        ("pairs.csv", "prompt,completion\nOnce upon,a time\n", "--max-new-tokens 2"),
        ("choices.jsonl", '{"context": "Once", "endings": [" upon", " fox"], "answer": 0}\n', ""),
    ],
)
def test_evaluate_on_the_cpu_imports_neither_torch_nor_transformers(
    tmp_path: Path, name: str, data: str, options: str
) -> None:
    (tmp_path / name).write_text(data)
    line = ["evaluate", str(tmp_path / name), "-m", "builtin", *options.split()]
    modules = modules_of(line, 0, CUDA_VISIBLE_DEVICES="")
    assert "onnxruntime" in modules
    assert not modules & {"torch", "transformers", "accelerate", "huggingface_hub"}


@pytest.mark.parametrize(
    "options", ["", "--above 0", "--next 3", "--vs {copy}", "--attention", "--lens", "--lens -o {copy}/lens.svg"]
)
def test_explain_on_the_cpu_imports_neither_torch_nor_transformers(tmp_path: Path, builtin: Path, options: str) -> None:
    copytree(builtin, tmp_path / "copy")
    line = ["explain", "Once upon a time", "-m", "builtin", *options.format(copy=tmp_path / "copy").split()]
    modules = modules_of(line, 0, CUDA_VISIBLE_DEVICES="")
    assert "onnxruntime" in modules
    assert not modules & {"torch", "transformers", "accelerate", "huggingface_hub"}


SERVE_AND_LIST_MODULES = """
import os, sys
from tests.serving.asking import app_of
from tests.serving.sending import answer
app = app_of("builtin")
answer(app, "/v1/completions", prompt="Once", max_tokens=2)
answer(app, "/v1/next", text="Once")
answer(app, "/v1/attention", text="Once upon", layer=0, head=0)
answer(app, "/v1/lens", text="Once upon")
answer(app, "/v1/embeddings", input="Once")
answer(app, "/v1/classify", input="Once", labels=["old", "new"])
answer(app, "/v1/score", text="Once")
answer(app, "/v1/surprisal", text="Once")
print(*sys.modules, flush=True)
os._exit(0)
"""


def test_a_server_on_the_cpu_imports_neither_torch_nor_transformers() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVE_AND_LIST_MODULES],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    modules = {module.partition(".")[0] for module in done.stdout.split()}
    assert {"fastapi", "onnxruntime"} <= modules
    assert not modules & {"torch", "transformers", "accelerate"}
