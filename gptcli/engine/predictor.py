"""Predict what follows texts that grow by a token at a time: of such a text only the new token is read."""

from gptcli.engine.backend import Backend, Floats

REMEMBERED = 32
"""Texts whose logits are kept, 200 kB each with GPT-2's vocabulary, so that returning takes no time."""


class Predictor:
    """A backend's first slot, which keeps what was read last."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._read: tuple[int, ...] = ()
        """The tokens whose keys and values lie in the slot."""
        self._logits: dict[tuple[int, ...], Floats] = {}

    def logits(self, tokens: tuple[int, ...]) -> Floats:
        """Return the logits (vocab,) of what follows 1 to n_positions tokens; those asked for last are remembered."""
        logits = self._logits.pop(tokens, None)
        if logits is None:
            logits = self._predicted(tokens)
        self._logits[tokens] = logits
        if len(self._logits) > REMEMBERED:
            del self._logits[next(iter(self._logits))]
        return logits

    def _predicted(self, tokens: tuple[int, ...]) -> Floats:
        """Read all tokens, or the last one where those before it lie in the slot already."""
        before, known = tokens[:-1], self._read
        self._read = ()  # until all of it is there
        if before and known[: len(before)] == before:
            found = self._backend.decode(tokens[-1:], [len(before)], 1)
        else:
            found = self._backend.prefill(0, [tokens], 1)
        self._read = tokens
        logits: Floats = found.values[0].copy()
        return logits
