"""generate and classify in several processes: the bytes of one, whatever ends the run, and whoever starts it."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.classifiers import save_random_classifier
from tests.launched import PATIENCE_SECONDS, Place, ended, ranks

LOOK_SECONDS = 0.01
MANY = "generate -m tiny -i many.txt --seed 5 --max-new-tokens 30"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Place:
    """Return the place: ten rows, of which one is no JSON and one is empty, and more of them to be interrupted in."""
    directory = tmp_path_factory.mktemp("shared")
    (directory / "tiny").symlink_to(tiny)
    (directory / "head").mkdir()
    save_random_classifier(directory / "head", "neg", "pos")
    texts = [f"{'abcde'[number % 5] * number} {number}" for number in range(10)]
    labels = ["neg", "pos"] * 5
    lines = [json.dumps({"id": 7, "text": text, "label": label}) for text, label in zip(texts, labels, strict=True)]
    lines[3] = "{no json"
    (directory / "rows.jsonl").write_text("\n".join(lines) + "\n")
    (directory / "rows.txt").write_text("\n".join(texts) + "\n")
    (directory / "rows.csv").write_text(
        "text,label\n" + "".join(f'"{a}",{b}\n' for a, b in zip(texts, labels, strict=True))
    )
    (directory / "many.txt").write_text("".join(f"{number} times\n" for number in range(400)))
    return Place(directory=directory)


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "classify -m head -i rows.jsonl --label-column label --jsonl",
        "classify -m head -i rows.csv --long mean",
        "classify -m head -i rows.txt --batch-size 1",
        "generate -m tiny -i rows.jsonl --column text -n 3 --seed 5 --max-new-tokens 4",
        "generate -m tiny -i rows.csv --column text --greedy --json --seed 5",
    ],
)
def test_standard_output_and_what_is_said_are_those_of_one_process(place: Place, line: str) -> None:
    alone, shared = place.alone_and_shared(line)
    assert shared == alone
    assert alone.out.count(b"\n") >= 10
    assert alone.code == (3 if "jsonl" in line else 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.txt"])
def test_a_file_is_that_of_one_process_and_a_resumed_one_too(place: Place, name: str) -> None:
    line = f"generate -m tiny -i rows.jsonl --column text --seed 5 --overwrite -o {name}"
    assert place.run(line).code == 3
    alone = (place.directory / name).read_bytes()
    shared = place.run(f"{line} --num-processes 3")
    assert (shared.code, shared.err.splitlines()[-1]) == (3, "gptcli: error: 1 of 10 rows failed")
    assert (place.directory / name).read_bytes() == alone
    again = place.run(f"{line.replace('--overwrite', '--resume')} --num-processes 3")
    assert (again.code, again.err.count("nothing was done")) == (0, 1)


def test_each_process_reads_a_copy_of_standard_input_and_the_seed_is_one(place: Place) -> None:
    found = place.run("generate -m tiny --jsonl --num-processes 2", b"a\nb\nc\n")
    rows = [json.loads(line) for line in found.out.splitlines()]
    assert [(row["index"], row["prompt"]) for row in rows] == [(0, "a"), (1, "b"), (2, "c")]
    assert len({row["seed"] for row in rows}) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("classify -m head -i rows.jsonl --column nothing", 3, "rows.jsonl: no column nothing"),
        ("classify -m tiny -i rows.txt", 4, "tiny has no classification head"),
        ("classify -m ./absent -i rows.txt", 4, "'./absent': no such directory"),
        ("classify -m head -i rows.txt -o rows.csv", 2, "rows.csv exists"),
        ("classify -m head -i absent.txt", 3, "cannot read absent.txt"),
    ],
)
def test_an_error_that_all_meet_is_one_line_and_comes_at_once(place: Place, line: str, code: int, told: str) -> None:
    found = place.run(f"{line} --num-processes 2")
    assert (found.code, found.out) == (code, b"")
    (said,) = found.err.splitlines()
    assert said.startswith(f"gptcli: error: {told}")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("generate a --num-processes 0", "--num-processes must be at least 1, not 0"),
        ("classify -i /dev/null --num-processes 2", "-i /dev/null can be read only once, and not by several processes"),
    ],
)
def test_what_cannot_be_shared_is_refused_before_any_process_starts(place: Place, line: str, told: str) -> None:
    found = place.run(line)
    assert found.code == 2
    assert found.err.startswith(f"gptcli: error: {told}")


@pytest.fixture
def begun(place: Place) -> Iterator[subprocess.Popen[bytes]]:
    """Start a run of two processes that writes a file, and wait for its first rows."""
    for name in ("many.csv", "many.csv.resume"):
        (place.directory / name).unlink(missing_ok=True)
    process = place.start(["gptcli"], f"{MANY} --batch-size 4 -o many.csv --num-processes 2")
    journal = place.directory / "many.csv.resume"
    until = time.monotonic() + PATIENCE_SECONDS
    while not (journal.exists() and journal.read_bytes().count(b"\n") > 5):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(LOOK_SECONDS)
    yield process
    process.kill()


@pytest.fixture(scope="module")
def many(place: Place) -> bytes:
    """Return what one process writes."""
    assert place.run(f"{MANY} -o alone.csv").code == 0
    return (place.directory / "alone.csv").read_bytes()


def resumed(place: Place, processes: int) -> bytes:
    """Return what a run has written that goes on in so many processes."""
    found = place.run(f"{MANY} -o many.csv --resume --num-processes {processes}")
    assert (found.code, found.err) == (0, "")
    return (place.directory / "many.csv").read_bytes()


@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_run_in_a_line_and_it_goes_on(
    place: Place, many: bytes, begun: subprocess.Popen[bytes]
) -> None:
    ranks(begun)[1].kill()
    found = ended(begun)
    assert found.code == 5
    kept, told = found.err.splitlines()
    assert told == "gptcli: error: process 1 of 2 was killed by SIGKILL: if memory ran out, lower --batch-size"
    assert kept.endswith("rows are in many.csv; continue with the same command and --resume")
    assert resumed(place, 3) == many


@pytest.mark.slow
def test_a_run_of_which_everything_is_killed_goes_on_in_one_process(
    place: Place, many: bytes, begun: subprocess.Popen[bytes]
) -> None:
    for process in (*ranks(begun), begun):
        process.kill()
    ended(begun)
    assert resumed(place, 1) == many


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_is_answered_once(
    place: Place, begun: subprocess.Popen[bytes], number: signal.Signals, code: int, word: str
) -> None:
    begun.send_signal(number)
    found = ended(begun)
    assert found.code == code
    told, kept = found.err.splitlines()
    assert told == f"gptcli: {word}"
    assert kept.endswith("continue with the same command and --resume")


@pytest.mark.slow
def test_a_reader_that_leaves_ends_all_silently_with_141(place: Place) -> None:
    process = place.start(["gptcli"], f"{MANY} --num-processes 2")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    found = ended(process)
    assert (found.code, found.err) == (141, "")


_TORCHRUN = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "gptcli"]
_ACCELERATE = [
    "accelerate.commands.launch",
    "--multi_gpu",
    "--num_processes",
    "2",
    "--main_process_port",
    "0",
    "-m",
    "gptcli",
]


@pytest.mark.slow
@pytest.mark.parametrize("module", [_TORCHRUN, _ACCELERATE])
def test_other_launchers_give_the_same_output(place: Place, module: list[str]) -> None:
    line = "classify -m head -i rows.csv --label-column label"
    alone, shared = place.run(line), place.run(line, module=module)
    assert (shared.code, shared.out) == (0, alone.out)
    assert shared.err.endswith(alone.err)


@pytest.mark.slow
def test_another_launcher_s_processes_cannot_share_standard_input(place: Place) -> None:
    found = place.run("classify -m head", b"a\nb\n", module=_TORCHRUN)
    assert found.code != 0
    remedy = "give -i FILE, or start gptcli itself with --num-processes 2"
    assert f"the processes of another launcher cannot share standard input: {remedy}\n" in found.err


def test_processes_on_several_machines_are_refused(place: Place) -> None:
    launcher = {"RANK": "0", "WORLD_SIZE": "4", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2"}
    found = place.run("classify -m head -i rows.txt", **launcher)
    assert (found.code, found.out) == (2, b"")
    assert "rows are shared among the processes of one machine, and 2 of 4 are on this one" in found.err


def test_one_process_of_a_launcher_is_a_lone_one(place: Place) -> None:
    launcher = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1"}
    assert place.run("classify -m head a b", **launcher) == place.run("classify -m head a b")
