"""Options that contradict each other or cannot apply are refused by name, before anything is read."""

import pytest

TABLE = [
    ("x --json --jsonl", ["--jsonl", "--json"]),
    ("x -0 --json", ["--null", "--json"]),
    ("x --null --jsonl", ["--null", "--jsonl"]),
    ("x --null -o out.csv", ["--null", "-o out.csv"]),
    ("x --no-echo --json", ["--no-echo", "--json"]),
    ("x --no-echo --jsonl", ["--no-echo", "--jsonl"]),
    ("x --jsonl -o out.csv", ["--jsonl", "-o out.csv"]),
    ("x --json -o out.jsonl", ["--json", "-o out.jsonl"]),
    ("x -o out.pdf", ["out.pdf", ".jsonl", ".csv", ".txt"]),
    ("x --resume", ["--resume", "-o FILE"]),
    ("x --overwrite", ["--overwrite", "-o FILE"]),
    ("x -o out.txt --resume --overwrite", ["--resume", "--overwrite"]),
    ("x -i rows.csv", ["PROMPT", "-i FILE"]),
    ("-i a.txt -i b.txt", ["-i FILE", "more than once"]),
    ("x --no-stream --jsonl", ["--no-stream", "--jsonl"]),
    ("- -i rows.csv", ["PROMPT", "-i FILE"]),
    ("x -", ["-", "other prompts"]),
    ("x --column text", ["--column", "-i FILE"]),
    ("x --whole", ["--whole", "PROMPT"]),
    ("x --logprobs 2", ["--logprobs", "--jsonl", "--json"]),
    ("x --logprobs 2 -o out.csv", ["--logprobs", ".jsonl"]),
    ("x --logprobs -1 --json", ["--logprobs", "at least 0"]),
    ("x --greedy -t 0.5", ["--temperature", "--greedy"]),
    ("x --greedy --temp=1.0", ["--temperature", "--greedy"]),
    ("x --greedy --top-k 50", ["--top-k", "--greedy"]),
    ("x -t 0 --top-p 0.5 --min-p 0.5", ["--top-p", "--min-p", "--temperature 0"]),
    ("x --num-beams 2 --top_k 3", ["--top-k", "--num-beams 2"]),
    ("x --length-penalty 1", ["--length-penalty", "--num-beams"]),
    ("x -n 2 --greedy", ["--num-samples 2", "--greedy", "one sample"]),
    ("x -n 2 -t 0", ["--num-samples 2", "--temperature 0"]),
    ("x -n 3 --num-beams 2", ["--num-samples 3", "--num-beams"]),
    ("x -n 0", ["--num-samples", "at least 1"]),
    ("x -t -1", ["--temperature", "at least 0"]),
    ("x --top-p 2", ["--top-p"]),
    ("x --seed -1", ["--seed", "at least 0"]),
    ("x --max-length 3 --max-tokens 3", ["--max-new-tokens", "--max-length"]),
    ("x --logit-bias the", ["--logit-bias", "the"]),
    ("x --logit-bias =1", ["--logit-bias"]),
    ("x --logit-bias the=nan", ["--logit-bias", "the=nan"]),
    ("x --device tpu", ["--device", "tpu"]),
    ("x --batch-size 0", ["--batch-size"]),
]


@pytest.mark.parametrize(("line", "names"), TABLE, ids=[line for line, _ in TABLE])
def test_a_contradiction_exits_2_with_one_line_that_names_the_options(gptcli, task, line, names):
    ended = gptcli("generate", *line.split())
    assert (ended.code, ended.out) == (2, "")
    (told,) = ended.err.splitlines()
    assert told.startswith("gptcli: error: ")
    assert [name for name in names if name not in told] == []
    assert task.config is None


@pytest.mark.parametrize(
    "line",
    [
        "x --greedy -t 0",
        "x --num-beams 3 -n 3 --length-penalty 2",
        "x --greedy --repetition-penalty 1.2",
        "x --no-echo -0",
        "x --jsonl --logprobs 0",
        "x --greedy -n 1",
    ],
)
def test_options_that_agree_are_accepted(gptcli, line):
    ended = gptcli("generate", *line.split())
    assert (ended.code, ended.err) == (0, "")
