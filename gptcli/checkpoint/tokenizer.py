"""Turn text into token ids and back: equal to transformers' GPT2Tokenizer, without importing transformers."""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.tokenizer_files import BuiltTokenizer, build_tokenizer
from gptcli.errors import InputError

LONG_TEXT = 10_000
"""Characters that take 10 ms to tokenize; 10 million would take 10 s and 2 GB."""
_HALF_A_PAIR = "the text holds half of a surrogate pair, which is no character"


class Tokenizer:
    """A byte-level BPE with its added tokens.

    For any ids, the bytes of the tokens joined and decoded with errors="replace" are decode(ids).
    """

    def __init__(self, built: BuiltTokenizer) -> None:
        self.eos_id = built.eos_id
        self.special_ids = built.special_ids
        self.adds_space = built.adds_space
        """Whether it puts a space in front of a text that does not begin with one."""
        self.vocab_size = built.vocab_size
        """One more than the largest id, added tokens included."""
        added = built.backend.get_added_tokens_decoder()
        self._added_ids = {token.content: token_id for token_id, token in added.items()}
        self._backend = built.backend
        self._bytes: dict[int, bytes] = {}

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text and its special tokens; raises InputError for a lone surrogate."""
        try:
            ids: list[int] = self._backend.encode(text).ids
        except TypeError as error:
            raise InputError(_HALF_A_PAIR) from error
        return ids

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of texts, by many threads and with no token put around; raises InputError as encode does."""
        try:
            return [found.ids for found in self._backend.encode_batch_fast(list(texts), add_special_tokens=False)]
        except TypeError as error:
            raise InputError(_HALF_A_PAIR) from error

    @cached_property
    def ends(self) -> tuple[list[int], list[int]]:
        """Return the tokens that encode puts before and behind every text, mostly none."""
        (own,) = self.encode_batch(["a"])
        whole = self.encode("a")
        begin = next(place for place in range(len(whole)) if whole[place : place + len(own)] == own)
        return whole[:begin], whole[begin + len(own) :]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids, special tokens included; broken characters become U+FFFD."""
        return self._backend.decode(list(ids), skip_special_tokens=False)

    def token_bytes(self, token_id: int) -> bytes:
        """Return the bytes that a token stands for, maybe no whole character; none for an unused id."""
        found = self._bytes.get(token_id)
        if found is None:
            found = self._bytes[token_id] = self._spell(self._backend.id_to_token(token_id) or "")
        return found

    def token_text(self, token_id: int) -> str:
        r"""Return a token as text to show to people; bytes that are no whole character read \xNN."""
        return self.token_bytes(token_id).decode(errors="backslashreplace")

    @cached_property
    def longest_token(self) -> int:
        """Return the most bytes that a token stands for."""
        return max(len(self.token_bytes(token)) for token in range(self.vocab_size))

    def least_tokens(self, text: str) -> int:
        """Return how many tokens a text surely has, without tokenizing it; 0 where counting them takes no time."""
        return len(text) // self.longest_token if len(text) > LONG_TEXT else 0

    def cuts_as(self, other: "Tokenizer") -> bool:
        """Return whether the other cuts text into the same tokens, as of one model tuned from another it does."""
        ours, theirs = (json.loads(one._backend.to_str()) for one in (self, other))
        return all(ours[part] == theirs[part] for part in ("model", "pre_tokenizer", "added_tokens"))

    def single_token(self, text: str) -> int | None:
        """Return the id of the token that stands for exactly this text, if there is one."""
        if text in self._added_ids:
            return self._added_ids[text]
        spelling = "".join(self._characters[byte] for byte in text.encode(errors="surrogatepass"))
        return self._backend.token_to_id(spelling)

    def _spell(self, token: str) -> bytes:
        """Return the bytes of a token of the vocabulary, or of an added one that is written in plain text."""
        try:
            return bytes(map(self._byte_values.__getitem__, token))
        except KeyError:
            return token.encode()

    @cached_property
    def _characters(self) -> Sequence[str]:
        """Return the character that stands for each byte: itself if printable, else one from U+0100 on."""
        printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
        substitutes = iter(range(0x100, 0x200))
        return [chr(byte if byte in printable else next(substitutes)) for byte in range(0x100)]

    @cached_property
    def _byte_values(self) -> Mapping[str, int]:
        """Return the byte that each character of the vocabulary stands for."""
        return {character: byte for byte, character in enumerate(self._characters)}


def load_tokenizer(directory: Path, config: ModelConfig) -> Tokenizer:
    """Load a checkpoint's tokenizer; raises ModelError when it is absent, damaged or too large."""
    return Tokenizer(build_tokenizer(directory, model_vocab_size=config.vocab_size))
