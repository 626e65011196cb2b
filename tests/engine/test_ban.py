"""A banned text never appears, however it is cut into tokens."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gptcli.engine.ban import BanTable
from gptcli.engine.options import SamplingOptions
from tests.decoding import decode, loaded

PIECE = st.text("ab", min_size=1, max_size=3).map(str.encode)


@given(
    vocabulary=st.lists(PIECE, min_size=1, max_size=8, unique=True),
    texts=st.lists(PIECE, min_size=1, max_size=3),
    choices=st.lists(st.integers(0, 7), max_size=12),
)
def test_exactly_the_tokens_that_complete_a_banned_text_are_forbidden(
    vocabulary: list[bytes], texts: list[bytes], choices: list[int]
) -> None:
    table = BanTable(texts, vocabulary)
    written = b""
    for choice in choices:
        completing = [n for n, piece in enumerate(vocabulary) if any(text in written + piece for text in texts)]
        forbidden = set(table.forbidden(written))
        assert forbidden == set(completing)
        allowed = [n for n in range(len(vocabulary)) if n not in forbidden]
        if not allowed:
            return
        written += vocabulary[allowed[choice % len(allowed)]]
    assert not any(text in written for text in texts)


def test_generate_never_writes_a_banned_text(builtin: Path) -> None:
    model = loaded(builtin, "onnx")
    prompt = model.tokenizer.encode("Once upon a time there was a little")
    free = decode(model, [prompt], SamplingOptions(max_new_tokens=60), samples=4)
    assert any(" the" in finished.text for finished in free)
    banned = decode(model, [prompt], SamplingOptions(max_new_tokens=60, ban=(" the", "he")), samples=4)
    assert not any("he" in finished.text for finished in banned)
