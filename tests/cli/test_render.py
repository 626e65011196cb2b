"""Results as bytes."""

import json

from gptcli.cli.console import one_line, utf8
from gptcli.cli.render import Objects, Text
from gptcli.data.formats import Jsonl
from gptcli.data.records import Record
from gptcli.tasks.events import RowFailed, TokenLogprob


def record_of(**columns):
    return Record(source="in.jsonl", line=1, columns=columns)


def objects(told=None, column=None):
    return Objects(Jsonl(), column, first=True, warn=(told if told is not None else []).append)


def test_token_logprobs_stand_in_the_row_best_alternative_first(completion):
    token = TokenLogprob(token=" a", logprob=-0.5, top=((" b", -0.1), (" a", -0.5)))
    row = json.loads(objects().result(completion(record=record_of(prompt="p"), tokens=(token,))))
    assert row["tokens"] == [
        {
            "token": " a",
            "logprob": -0.5,
            "top": [{"token": " b", "logprob": -0.1}, {"token": " a", "logprob": -0.5}],
        }
    ]


def test_rows_without_token_logprobs_have_no_tokens(completion):
    assert "tokens" not in json.loads(objects().result(completion(record=record_of(prompt="p"))))


def test_the_column_that_was_continued_is_not_repeated_whatever_its_name(completion):
    row = json.loads(objects(column="title").result(completion(record=record_of(title="p", prompt="other"))))
    assert "title" not in row
    assert (row["prompt"], row["input_prompt"]) == ("p", "other")


def test_a_number_that_was_continued_is_not_repeated_either(completion):
    row = json.loads(objects(column="year").result(completion(prompt="1984", record=record_of(year=1984))))
    assert "year" not in row


def test_a_renamed_column_never_takes_the_place_of_another(completion):
    told = []
    row = json.loads(objects(told).result(completion(record=record_of(prompt="p", seed="mine", input_seed="yours"))))
    assert (row["seed"], row["input_input_seed"], row["input_seed"]) == (7, "mine", "yours")
    assert len(told) == 1


def test_a_row_that_could_not_be_read_has_no_prompt():
    failure = RowFailed(index=3, record=Record(source="a", line=4, error="is blank"), message="is blank")
    assert json.loads(objects().failed(failure)) == {"index": 3, "error": "is blank"}


def test_text_is_written_byte_for_byte(completion):
    renderer = Text(echo=True, end=b"\n", num_samples=1, several=False)
    assert (
        renderer.result(completion(prompt="\r\n\x00", text="é\u2028", record=record_of()))
        == b"\r\n\0\xc3\xa9\xe2\x80\xa8\n"
    )


def test_any_text_at_all_can_be_encoded():
    assert utf8("\udcff \ud800 é") == b"\xff \xef\xbf\xbd \xc3\xa9"


def test_a_message_cannot_leave_its_line_or_drive_the_terminal():
    assert one_line("a\nb\x1b[31m\u2028é") == "a\\nb\\x1b[31m\\u2028é"
