"""Processes of one run, here as threads: what they gather and tell, the order of rows, and how they lose each other."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gptcli.data.records import Record
from gptcli.errors import ConfigError, ExitCode, GptcliError, InputError, ModelError
from gptcli.evaluation.scores import RowScores, joined_scores
from gptcli.tasks import meeting
from gptcli.tasks.cuts import Cuts, summed
from gptcli.tasks.events import Classified, Completion, Notice, Place, RowFailed, TokenLogprob
from gptcli.tasks.meeting import EndedError, LostError, joined
from gptcli.tasks.rank_values import packed, unpacked
from gptcli.tasks.shared_rows import Elsewhere, shared_in_order
from gptcli.tasks.sharing import ALONE, MEETING_PLACE, Share


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., list[Any]]:
    """Return what runs a function in each process of a run, and returns what each returned or raised."""

    def together(work: Callable[[Share], object], world: int = 2) -> list[Any]:
        found: list[Any] = [None] * world

        def process(rank: int) -> None:
            try:
                with joined({MEETING_PLACE: str(tmp_path / "place")}, rank=rank, world=world) as share:
                    found[rank] = work(share)
            except BaseException as error:
                found[rank] = error

        threads = [threading.Thread(target=process, args=(rank,)) for rank in range(world)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        assert not (tmp_path / "place").exists()
        return found

    return together


def record(line: int, **columns: object) -> Record:
    return Record(source="in.csv", line=line, columns=columns)


def test_a_lone_process_has_all_rows_and_gathers_its_own_value() -> None:
    assert all(ALONE.mine(number) for number in range(5))
    assert ALONE.gathered(7) == [7]
    assert ALONE.told_by_main(7) == 7
    assert list(shared_in_order(ALONE, [1, 2, 3])) == [1, 2, 3]


def test_each_row_is_one_process_s(run: Callable[..., list[Any]]) -> None:
    found = run(lambda share: [number for number in range(8) if share.mine(number)], 3)
    assert found == [[0, 3, 6], [1, 4, 7], [2, 5]]


def test_the_main_process_gathers_in_the_order_of_ranks_and_tells_all(run: Callable[..., list[Any]]) -> None:
    found = run(lambda share: (share.gathered({"rank": share.rank}), share.told_by_main(f"of {share.rank}")), 3)
    assert found[0] == ([{"rank": 0}, {"rank": 1}, {"rank": 2}], "of 0")
    assert found[1:] == [(None, "of 0")] * 2


def test_a_value_larger_than_what_is_read_ahead_goes_through(run: Callable[..., list[Any]]) -> None:
    values = np.arange(3 * meeting.INBOX_BYTES // 8, dtype=np.float64)
    main, other = run(lambda share: share.gathered(values))
    assert other is None
    np.testing.assert_array_equal(main[1], values)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8])
@pytest.mark.parametrize("first", [0, 3])
def test_rows_come_out_in_the_order_of_the_input(run: Callable[..., list[Any]], count: int, first: int) -> None:
    def rows(share: Share) -> Iterator[RowFailed | Elsewhere]:
        for number in range(first, count):
            row = record(number + 1, text=f"text of {number}")
            mine = share.mine(number)
            yield RowFailed(index=number, record=row, message="") if mine else Elsewhere(number=number, record=row)

    main, *others = run(lambda share: list(shared_in_order(share, rows(share))), 3)
    assert others == [[], []]
    assert [event.index for event in main] == list(range(first, count))
    assert [event.record.columns["text"] for event in main] == [f"text of {n}" for n in range(first, count)]


def test_the_samples_of_a_row_stay_together(run: Callable[..., list[Any]]) -> None:
    def samples(share: Share) -> Iterator[int | Elsewhere]:
        for number in range(4):
            yield from [10 * number, 10 * number + 1] if share.mine(number) else [Elsewhere(number=number)]

    main, _ = run(lambda share: list(shared_in_order(share, samples(share), lambda sample: sample % 10 == 1)))
    assert main == [0, 1, 10, 11, 20, 21, 30, 31]


@pytest.mark.parametrize(("other", "told"), [(3, "less"), (5, "more")])
def test_processes_that_read_other_inputs_are_refused(run: Callable[..., list[Any]], other: int, told: str) -> None:
    def numbers(share: Share) -> Iterator[int | Elsewhere]:
        for number in range(8 if share.is_main else 2 * other):
            yield number if share.mine(number) else Elsewhere(number=number)

    main, _ = run(lambda share: list(shared_in_order(share, numbers(share))))
    assert isinstance(main, InputError)
    assert str(main) == f"process 1 has read {told} than the others: give all the same input"


def test_an_error_of_another_process_is_raised_in_its_place_in_the_main_one(run: Callable[..., list[Any]]) -> None:
    seen: list[int] = []

    def numbers(share: Share) -> Iterator[int | Elsewhere]:
        for number in range(8):
            if number == 5 and not share.is_main:
                raise ModelError("damaged")
            yield number if share.mine(number) else Elsewhere(number=number)

    def work(share: Share) -> None:
        for number in shared_in_order(share, numbers(share)):
            seen.append(number)

    main, other = run(work)
    assert isinstance(main, GptcliError)
    assert (str(main), main.exit_code, seen) == ("damaged", ExitCode.MODEL, [0, 1, 2, 3, 4])
    assert isinstance(other, ModelError)


def test_a_process_that_ends_without_a_word_is_missed(run: Callable[..., list[Any]]) -> None:
    def work(share: Share) -> None:
        if share.rank == 1:
            raise ValueError("a bug")
        share.gathered(1)

    main, other = run(work)
    assert isinstance(main, LostError)
    assert str(main).startswith("process 1 of 2 has ended")
    assert isinstance(other, ValueError)


def test_others_end_with_the_main_process_whether_they_wait_for_it_or_for_room(run: Callable[..., list[Any]]) -> None:
    def work(share: Share) -> None:
        if share.rank == 1:
            share.told_by_main(None)
        while share.rank == 2:
            share.gathered("x" * 1_000_000)

    main, *others = run(work, 3)
    assert main is None
    assert all(isinstance(error, EndedError) for error in others)


def test_processes_that_do_not_come_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(meeting, "MEETING_SECONDS", 0.02)
    for rank, absent in ((0, 1), (1, 0)):
        with (
            pytest.raises(ConfigError, match=f"process {absent} of 3 has not come: unset RANK and WORLD_SIZE"),
            joined({MEETING_PLACE: str(tmp_path / "place")}, rank=rank, world=3),
        ):
            pass


@pytest.mark.parametrize("rank", [0, 1])
def test_a_directory_that_others_may_enter_is_refused(tmp_path: Path, rank: int) -> None:
    place = tmp_path / "place"
    place.mkdir()
    place.chmod(0o755)
    with (
        pytest.raises(ConfigError, match="is not this user's alone: remove it, or set TMPDIR"),
        joined({MEETING_PLACE: str(place)}, rank=rank, world=2),
    ):
        pass


@pytest.mark.parametrize("rank", [0, 1])
def test_a_directory_whose_path_is_too_long_is_refused_in_every_process(tmp_path: Path, rank: int) -> None:
    place = tmp_path / ("long" * 30)
    place.mkdir(mode=0o700)
    with (
        pytest.raises(ConfigError, match=r"no socket can be made at .*too long; set TMPDIR to another directory"),
        joined({MEETING_PLACE: str(place)}, rank=rank, world=2),
    ):
        pass


def test_the_place_is_another_for_each_run_of_another_launcher() -> None:
    run = {"MASTER_ADDR": "localhost", "MASTER_PORT": "29500", "WORLD_SIZE": "2"}
    again = {**run, "TORCHELASTIC_RESTART_COUNT": "1"}
    assert meeting._place(run) == meeting._place({**run, "RANK": "1"}) != meeting._place(again)
    assert f"gptcli-{os.getuid()}-" in meeting._place(run).name


def test_results_come_as_they_were_sent_and_records_without_their_columns() -> None:
    row = record(3, text="caf\udce9", when=object())
    token = TokenLogprob(token="a", logprob=-0.1, top=(("a", -0.1), ("b", -float("inf"))))
    plain: dict[str, Any] = {"finish_reason": "length", "prompt_tokens": 1, "new_tokens": 1, "seed": 2**63}
    completion = Completion(
        index=1, sample=0, record=row, prompt="p", text="\udce9\0", logprob=1 / 3, tokens=(token,), **plain
    )
    classified = Classified(
        index=2, record=row, text="t", kind="single", labels=("a",), probabilities=(("a", 0.1),), value=None, tokens=1
    )
    found = unpacked(packed([completion, classified, {"plain": [1, None, True]}]))
    assert isinstance(found, list)
    bare = Record(source="in.csv", line=3)
    assert [event.record for event in found[:2]] == [bare, bare]
    assert packed(found) == packed([completion, classified, {"plain": [1, None, True]}])
    assert found[0].tokens == (token,)
    assert found[2] == {"plain": [1, None, True]}


def test_what_is_no_value_of_a_task_is_refused() -> None:
    with pytest.raises(TypeError, match="object is nothing that processes tell each other"):
        packed(object())


def test_scored_rows_of_all_processes_are_joined_in_order() -> None:
    def scores(*index: int) -> RowScores:
        return RowScores(
            index=np.array(index, np.int64),
            columns={"nats": np.array(index, np.float64) / 3},
            texts={"text": tuple(map(str, index))},
        )

    parts = [unpacked(packed(part)) for part in (scores(0, 3, 6), scores(1, 4), scores())]
    found = joined_scores(parts)  # type: ignore[arg-type]
    whole = scores(0, 1, 3, 4, 6)
    np.testing.assert_array_equal(found.index, whole.index)
    np.testing.assert_array_equal(found.columns["nats"], whole.columns["nats"])
    assert found.texts == whole.texts


def test_cuts_of_all_processes_are_one_sentence(run: Callable[..., list[Any]]) -> None:
    def work(share: Share) -> list[str]:
        cuts = Cuts()
        for line in (8, 9, 10, 11, 12):
            if share.mine(line):
                cuts.count("texts cut", Place(row=line - 1, origin=f"in:{line}"))
        if not share.is_main:
            cuts.count("empty texts", Place(row=2, origin="in:3"))
        notices = summed(share, [*cuts.notices(), Notice(text=f"said by {share.rank}")])
        return [notice.text for notice in notices]

    main, other = run(work)
    assert main == ["said by 0", "empty texts: 1 (first: in:3)", "texts cut: 5 (first: in:8)"]
    assert other == []


def test_the_first_row_of_a_cut_is_the_first_of_the_input_and_not_of_its_file(run: Callable[..., list[Any]]) -> None:
    def work(share: Share) -> list[str]:
        cuts = Cuts()
        cuts.count("texts cut", Place(row=8, origin="a:9") if share.is_main else Place(row=11, origin="b:2"))
        return [notice.text for notice in summed(share, cuts.notices())]

    assert run(work)[0] == ["texts cut: 2 (first: a:9)"]
