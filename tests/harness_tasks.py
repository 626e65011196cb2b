"""Task files of lm-evaluation-harness over local rows: word for word its own tasks, but for where the data is."""

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

LAMBADA = """task: lambada_here
output_type: loglikelihood
test_split: test
doc_to_text: "{{text.split(' ')[:-1]|join(' ')}}"
doc_to_target: "{{' '+text.split(' ')[-1]}}"
metric_list:
  - {metric: perplexity, aggregation: perplexity, higher_is_better: false}
  - {metric: acc, aggregation: mean, higher_is_better: true}
"""
HELLASWAG = """task: hellaswag_here
output_type: multiple_choice
test_split: test
process_docs: !function lm_eval.tasks.hellaswag.utils.process_docs
doc_to_text: "{{query}}"
doc_to_target: "{{label}}"
doc_to_choice: "choices"
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: acc_norm, aggregation: mean, higher_is_better: true}
  - {metric: acc_bytes, aggregation: mean, higher_is_better: true}
"""
ARC = """task: arc_here
output_type: multiple_choice
test_split: test
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_target: "{{choices.label.index(answerKey)}}"
doc_to_choice: "{{choices.text}}"
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: acc_norm, aggregation: mean, higher_is_better: true}
"""
PIQA = """task: piqa_here
output_type: multiple_choice
test_split: test
doc_to_text: "Question: {{goal}}\\nAnswer:"
doc_to_target: label
doc_to_choice: "{{[sol1, sol2]}}"
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: acc_norm, aggregation: mean, higher_is_better: true}
"""
ROLLING = """task: rolling_here
output_type: loglikelihood_rolling
test_split: test
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list:
  - {metric: bits_per_byte, aggregation: bits_per_byte, higher_is_better: false}
"""
WRITING = """task: writing_here
output_type: generate_until
test_split: test
doc_to_text: "{{text}}"
doc_to_target: "{{target}}"
generation_kwargs: {until: ["e"], max_gen_toks: 12}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
"""


def write_task(directory: Path, task: str, rows: Sequence[dict[str, Any]]) -> str:
    """Write a task file and its rows; return the task's name."""
    name = task.partition("\n")[0].removeprefix("task: ")
    data = directory / f"{name}.jsonl"
    data.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    local = f"dataset_path: json\ndataset_kwargs:\n  data_files:\n    test: {data}\nmetadata: {{version: 1.0}}\n"
    (directory / f"{name}.yaml").write_text(task + local, encoding="utf-8")
    return name


def first_rows(path: Path, count: int) -> list[dict[str, Any]]:
    """Return the first rows of a file of JSON lines."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in islice(file, count)]
