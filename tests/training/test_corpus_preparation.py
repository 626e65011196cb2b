"""A corpus in the cache is prepared by one run at a time, and a cache that cannot be written is told in one line."""

import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from gptcli.errors import OutputError
from gptcli.training.corpus_documents import Documents
from gptcli.training.corpus_preparation import Place, claim, prepare_tokenizer


def test_a_second_run_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    place, first, second = Place(directory=tmp_path / "corpus"), ExitStack(), ExitStack()
    with second:
        with first:
            assert list(claim(place, first)) == []
            waiting = claim(place, second)
            assert next(waiting) == "waiting for another run that reads the same text"
            claimed = threading.Thread(target=list, args=(waiting,))
            claimed.start()
            claimed.join(0.05)
            assert claimed.is_alive()
        claimed.join(10)
        assert not claimed.is_alive()


def test_a_cache_that_cannot_be_written_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("some text")
    (tmp_path / "file").touch()
    place = Place(directory=tmp_path / "file" / "corpus")
    told = r"cannot write to .*corpus: Not a directory; make room, or name another place in GPTCLI_CACHE"
    with pytest.raises(OutputError, match=told), ExitStack() as stack:
        list(claim(place, stack))
    with pytest.raises(OutputError, match=told):
        list(prepare_tokenizer(Documents([str(tmp_path / "a.txt")]), place, source=None, vocab_size=300))
