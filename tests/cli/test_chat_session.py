"""A conversation in the terminal: what each line does, what is shown, and how it goes on after what goes wrong."""

import json
import signal
from pathlib import Path

import pytest

from gptcli.cli.chat_commands import COMMANDS
from gptcli.cli.chat_settings import NAMES
from gptcli.cli.signals import Terminated
from tests.cli.fake_chat import FakeChat, talk


def test_answers_are_the_result_and_all_else_is_told_on_stderr():
    ended = talk("Hi", "Who?")
    assert ended.out == "answer 1 to Hi\nanswer 2 to Who?\n"
    assert ended.err == "gptcli: fake, format plain; Ctrl-D leaves, /help lists the commands\n"
    assert ended.chat.asked == [("Hi",), ("Hi", "answer 1 to Hi", "Who?")]
    assert ended.texts == ["Hi", "answer 1 to Hi", "Who?", "answer 2 to Who?"]


def test_quiet_shows_answers_and_errors_alone():
    ended = talk("Hi", "/undo", "/nope", quiet=True)
    assert ended.out == "answer 1 to Hi\n"
    (error,) = ended.err.splitlines()
    assert error.startswith("gptcli: error: no command /nope")


def test_notices_of_an_answer_stand_behind_it():
    ended = talk("Hi", chat=FakeChat(notices=["the window is full"]))
    assert (ended.out, ended.told) == ("answer 1 to Hi\n", ["warning: the window is full"])


def test_what_could_drive_a_terminal_is_written_as_an_escape():
    chat = FakeChat(replies={"Hi": ("a\x1b", "[31mred\r\x07\x9b\x7f", "\n\tb\u05d0\U0001f468\u200d\U0001f469")})
    assert talk("Hi", chat=chat).out == "a\\x1b[31mred\\r\\x07\\x9b\\x7f\n\tb\u05d0\U0001f468\u200d\U0001f469\n"


def test_ctrl_c_stops_an_answer_keeps_what_came_and_the_conversation_goes_on():
    ended = talk("Hi", "And?", chat=FakeChat(signals={"Hi": signal.SIGINT}))
    assert ended.out == "answer 1\nanswer 2 to And?\n"
    assert ended.texts == ["Hi", "answer 1", "And?", "answer 2 to And?"]
    assert ended.told == ["stopped; what came is kept, and /retry asks again"]


def test_an_answer_that_is_stopped_before_a_word_came_takes_the_message_back():
    chat = FakeChat(replies={"Hi": ("", "late")}, signals={"Hi": signal.SIGINT})
    ended = talk("Hi", chat=chat)
    assert ended.texts == []
    assert ended.told == ["stopped before a word came: your message is taken back"]


def test_ctrl_c_before_an_answer_begins_stops_it():
    """Right behind Enter it ended the program, or did nothing."""
    ended = talk("Hi", "Who?", late="Hi")
    assert ended.texts == ["Who?", "answer 2 to Who?"]
    assert ended.told == ["stopped before a word came: your message is taken back"]


def test_a_second_ctrl_c_ends_the_program():
    def twice(turns, cancelled):
        yield from FakeChat(signals={"Hi": signal.SIGINT}).answer(turns, lambda: False)

    chat = FakeChat()
    chat.answer = twice
    with pytest.raises(KeyboardInterrupt):
        talk("Hi", chat=chat)


@pytest.mark.parametrize("line", ["Hi", "/retry"])
def test_a_sigterm_during_an_answer_ends_the_program(line):
    with pytest.raises(Terminated):
        talk("Hi", line, chat=FakeChat(signals={"Hi": signal.SIGTERM}))


def test_ctrl_c_at_the_prompt_tells_how_to_leave_and_sigterm_ends_all():
    ended = talk(KeyboardInterrupt(), "Hi")
    assert ended.told == ["Ctrl-D leaves, /help lists the commands"]
    assert ended.out == "answer 1 to Hi\n"
    with pytest.raises(Terminated):
        talk(Terminated())


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "error: an empty line says nothing; /help lists the commands"),
        (" \t", "error: an empty line says nothing; /help lists the commands"),
        ("long", "error: your message has 9,999 tokens: shorten it"),
        ("caf\udce9", "error: what you typed is not UTF-8: byte 0xe9 at column 4"),
        ("/rety", "error: no command /rety: did you mean /retry? (a message that begins with a slash takes two)"),
        ("/zzzzz", "error: no command /zzzzz: /help lists them (a message that begins with a slash takes two)"),
        ("/\x1b[2J", "error: no command /\\x1b[2J: /help lists them (a message that begins with a slash takes two)"),
        ("/undo", "error: there is nothing to take back"),
        ("/retry", "error: there is nothing to answer again"),
        ("/edit", "error: there is nothing to edit"),
        ("/retry now", "error: /retry takes nothing behind it, not 'now'"),
        ("/save", "error: which file? Type /save talk.jsonl"),
        ("/load", "error: which file? Type /load talk.jsonl"),
        ("/save x.jsonl", "error: there is no answer yet to save"),
        ("/load no-such.jsonl", "error: cannot read no-such.jsonl: No such file or directory; check the path"),
        ("/set num_beams=2", "error: no beams here"),
    ],
)
def test_what_goes_wrong_is_one_line_and_the_conversation_goes_on(line, told):
    ended = talk(line, "Hi")
    assert ended.told == [told]
    assert ended.out == "answer 1 to Hi\n"
    assert ended.settings.options.num_beams == 1


def test_a_message_that_begins_with_a_slash_takes_two():
    assert talk("//etc/passwd").texts[0] == "/etc/passwd"


def test_retry_answers_the_last_message_again_in_the_place_of_its_answer():
    ended = talk("Hi", "Who?", "/retry")
    assert ended.texts == ["Hi", "answer 1 to Hi", "Who?", "answer 3 to Who?"]
    assert ended.chat.asked[1] == ended.chat.asked[2]
    greedy = talk("/set temperature=0", "Hi", "/retry")
    assert greedy.told == ["at temperature 0 the answer is the same: /set temperature=0.8 draws another"]


def test_an_edit_that_cannot_be_answered_leaves_the_message_and_its_answer():
    ended = talk("Hi", "/edit long")
    assert ended.texts == ["Hi", "answer 1 to Hi"]
    assert ended.told == ["error: your message has 9,999 tokens: shorten it"]


def test_undo_takes_back_a_message_and_its_answer():
    ended = talk("Hi", "Who\n are you?", "/undo")
    assert ended.texts == ["Hi", "answer 1 to Hi"]
    assert ended.told == ["taken back, with its answer: Who are you?"]


def test_edit_puts_another_message_in_the_place_of_the_last_and_answers_it():
    ended = talk("Hi", "/edit Hello")
    assert ended.texts == ["Hello", "answer 2 to Hello"]
    filled = talk("Hi", "/edit", edited="Hi!")
    assert filled.reader.offered == ["Hi"]
    assert filled.texts == ["Hi!", "answer 2 to Hi!"]
    given_up = talk("Hi", "/edit", edited=None)
    assert given_up.texts == ["Hi", "answer 1 to Hi"]
    assert given_up.told == ["nothing is changed; /edit TEXT puts TEXT in the place of: Hi"]


def test_set_changes_options_from_the_next_answer_on_and_alone_lists_them_all():
    ended = talk("/set temperature=0.5", "/set top-k = 3", "/set", "Hi")
    assert ended.chat.options is not None
    assert (ended.chat.options.temperature, ended.chat.options.top_k) == (0.5, 3)
    assert [line.partition("=")[0] for line in ended.told] == list(NAMES)
    assert "temperature=0.5" in ended.told


def test_more_tokens_than_the_window_holds_are_told_when_they_are_set():
    """They were accepted in silence."""
    assert talk("/set max-new-tokens=5000", "/set temperature=1").told == ["warning: more than the window"]


def test_a_system_text_is_put_shown_and_removed():
    ended = talk("/system", "/system Be kind.", "Hi", "/system", "/reset", "/system -", "Hi")
    assert ended.chat.asked == [("Be kind.", "Hi"), ("Hi",)]
    assert ended.told == [
        "there is no system text; /system TEXT puts one in front",
        "Be kind.",
        "1 answer forgotten; the system text stays",
    ]


def test_save_and_load_give_the_same_conversation_and_tell_what_is_gone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = talk("/system Be kind.", "Hi", "/save talk.jsonl", "Who?", '/load "talk.jsonl"')
    assert ended.conversation == talk("/load talk.jsonl").conversation
    assert ended.texts == ["Hi", "answer 1 to Hi"]
    assert ended.conversation.system == "Be kind."
    assert ended.told == [
        "1 answer is in talk.jsonl",
        "1 answer, the last: answer 1 to Hi; what was before is gone, 2 answers",
    ]


def test_columns_of_a_loaded_file_that_have_no_place_are_told(tmp_path):
    """A context was dropped in silence."""
    path = tmp_path / "faq.csv"
    path.write_text("context,question,answer\nA play.,Who?,I\n")
    assert talk(f"/load {path}").told == ["1 answer, the last: I", "warning: not read: 1 column context"]


def test_save_replaces_a_file_only_where_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "talk.jsonl"
    path.write_text("precious")
    ended = talk("Hi", "/save ~/talk.jsonl")
    assert ended.told == [f"error: {path} exists: replace it with --overwrite"]
    assert path.read_text() == "precious"
    talk("Hi", "/save --overwrite ~/talk.jsonl")
    assert json.loads(path.read_text()) == {"user": "Hi", "assistant": "answer 1 to Hi"}


def test_escapes_of_a_loaded_file_do_not_reach_the_terminal(tmp_path: Path):
    path = tmp_path / "evil.jsonl"
    evil = "\x1b]0;owned\x07\r\n\x1b[2J"
    path.write_text(json.dumps({"system": evil, "user": evil, "assistant": evil}) + "\n")
    ended = talk(f"/load {path}", "/system", "/undo")
    assert ended.texts == []
    assert not any(character in ended.err for character in "\x1b\x07\r")


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_help_tells_every_command_within_the_screen_and_exit_leaves(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    ended = talk("/help", "/exit", "Hi")
    assert [line.split()[0] for line in ended.told if line.startswith("/")] == [f"/{name}" for name in COMMANDS]
    assert ended.out == ""
    assert max(map(len, ended.told)) < max(columns, 25)
    for command in COMMANDS.values():
        assert command.help in " ".join(" ".join(ended.told).split())
