"""The line editor: keys, pastes, history, and what is completed."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from gptcli.cli.chat_history import History
from gptcli.cli.chat_prompt import CommandCompleter, PromptReader


@contextmanager
def typing(keys: str, history: History | None = None) -> Iterator[PromptReader]:
    """Give a reader these keys."""
    history = history or History(None, lambda text: None)
    with create_pipe_input() as source:
        source.send_text(keys)
        yield PromptReader(history, source, DummyOutput())


def test_lines_are_read_and_remembered_an_arrow_away() -> None:
    history = History(None, lambda text: None)
    with typing("Hi\rWho?\r", history) as reader:
        assert (reader.read(), reader.read()) == ("Hi", "Who?")
    assert history.entries == ["Hi", "Who?"]
    with typing("\x1b[A\x1b[A\r", history) as reader:
        assert reader.read() == "Hi"


def test_alt_enter_begins_another_line_and_a_paste_is_one_text() -> None:
    with typing("one\x1b\rtwo\r\x1b[200~pasted\nlines\n\x1b[201~\r") as reader:
        assert reader.read() == "one\ntwo"
        assert reader.read().rstrip() == "pasted\nlines"


def test_ctrl_c_empties_a_line_and_on_an_empty_one_interrupts() -> None:
    with typing("half\x03whole\r\x03") as reader:
        assert reader.read() == "whole"
        with pytest.raises(KeyboardInterrupt):
            reader.read()


def test_ctrl_c_right_behind_a_line_is_for_its_answer_and_drops_what_was_typed_between() -> None:
    """It came as a key of the next prompt: the answer was written to its end, and then `Ctrl-D leaves` was told."""
    with typing("Hi\rWho?\r\x03And?\r") as reader:
        assert reader.read() == "Hi"
        assert reader.interrupts.taken()
        assert reader.read() == "And?"
        assert not reader.interrupts.taken()


def test_a_signal_before_the_prompt_is_there_ends_it() -> None:
    """prompt_toolkit's handler printed a traceback, `Application is not running. Application.exit() failed.`"""
    with typing("Hi\r") as reader:
        reader.interrupts.note()
        with pytest.raises(KeyboardInterrupt):
            reader.read()
        assert not reader.interrupts.taken()
        assert reader.read() == "Hi"


def test_a_signal_behind_the_line_that_ends_the_prompt_is_kept_for_the_answer() -> None:
    with typing("Hi\r") as reader, reader.interrupts.listening():
        application = reader._session.app
        application.after_render += lambda app: app.is_done and signal.raise_signal(signal.SIGINT)
        assert reader.read() == "Hi"
        assert reader.interrupts.taken()


def test_a_signal_at_the_prompt_ends_it() -> None:
    with typing("half") as reader, reader.interrupts.listening():
        application = reader._session.app
        application.after_render += lambda app: app.is_done or signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            reader.read()
        assert not reader.interrupts.taken()


def test_ctrl_d_leaves_at_an_empty_line() -> None:
    with typing("\x04") as reader, pytest.raises(EOFError):
        reader.read()


def test_a_text_is_filled_in_to_be_edited_and_ctrl_c_or_ctrl_d_gives_up() -> None:
    """Ctrl-C only emptied the line, so that the command that was typed next took the message's place."""
    with typing("!\r\x03\x15\x04") as reader:
        assert reader.edit("Hi") == "Hi!"
        assert reader.edit("Hi") is None
        assert reader.edit("Hi") is None


def completions(text: str) -> list[str]:
    """Return what a text is completed with."""
    found = CommandCompleter().get_completions(Document(text), CompleteEvent(completion_requested=True))
    return [completion.text for completion in found]


def test_commands_options_and_files_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("talk.jsonl").write_text("")
    os.mkdir("talks")
    assert completions("/re") == ["/retry", "/reset"]
    assert completions("/set top") == ["top_k=", "top_p="]
    assert sorted(completions("/load ta")) == ["lk.jsonl", "lks"]
    assert sorted(completions("/save --overwrite ta")) == ["lk.jsonl", "lks"]
    for plain in ("re", "Hi /re", "/undo t", "/nope t", ""):
        assert completions(plain) == []
