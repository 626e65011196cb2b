"""What --dry-run says a run costs is about what the run then costs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gptcli.training.doctor import DataReport
from tests.tuning import tune, write_rows


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the estimate is for Linux")
def test_the_peak_of_memory_is_as_estimated(builtin: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data.jsonl", [{"text": f"Once {n} upon a time. " * 60} for n in range(32)])
    options = {"batch_size": 8, "max_length": 256, "max_steps": 2, "validation_split": 0.0, "overflow": "truncate"}
    (report,) = tune(data, tmp_path / "out", builtin, **options, dry_run=True).of(DataReport)
    assert report.cost is not None
    line = f"finetune {data} -m {builtin} -o {tmp_path}/out --device cpu --warmup 0 --dropout 0"
    named = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    subprocess.run(
        [sys.executable, "-m", "gptcli", *line.split(), *named],
        check=True,
        capture_output=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )
    records = [json.loads(line) for line in (tmp_path / "out" / "metrics.jsonl").read_text().splitlines()]
    measured = max(record["memory_bytes"] for record in records)
    assert report.cost.peak_bytes == pytest.approx(measured, rel=0.25)
