"""Continuous batching: requests join and leave the running batch between any two steps.

A step is: admit waiting prompts (prefill), then add one token to every running branch (decode), then let go of
the finished ones. Running branches always fill the slots 0, 1, ... without a hole. The engine knows tokens and
their bytes, not where a request came from.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np

from gptcli.engine.backend import Backend, Logits, require_finite
from gptcli.engine.beam import BeamSearch
from gptcli.engine.request import Branch, Finished, Piece, Request, TokenBytes, TokenScore
from gptcli.engine.waiting import Waiting

PREFILL_TOKENS = 2048
"""Padded tokens in one prefill: enough to use the arithmetic fully. Of GPT-2 they are 350 GFLOP, 3.5 s on two cores."""
REFILL_SHARE = 8
"""Admit when this part of the slots is free: a step's time is nearly that of its rows, so waiting costs little."""
REFILL_STEPS = 8
"""Admit what there is room for after so many steps: whoever waits for the answer sees no more than a hesitation."""


class Engine:
    """Runs any number of requests over one backend."""

    def __init__(self, backend: Backend, token_bytes: TokenBytes, eos_token_ids: Sequence[int]) -> None:
        self.backend = backend
        self._token_bytes = token_bytes
        self._eos = frozenset(eos_token_ids)
        self._waiting: deque[Waiting] = deque()
        self._running: list[Branch] = []
        self._searches: dict[int, BeamSearch] = {}
        self._held_back = 0
        self.new_tokens = 0
        """Tokens chosen so far, of all requests."""

    @property
    def has_work(self) -> bool:
        """Return whether a step would do anything."""
        return bool(self._waiting or self._running)

    @property
    def running(self) -> int:
        """Return how many sequences are in the batch."""
        return len(self._running)

    def submit(self, request: Request) -> None:
        """Queue a request; samples beyond the number of slots wait for their turn."""
        options = request.sampler.options
        if options.num_beams > 1:
            self._waiting.append(Waiting(request=request, samples=range(options.num_beams), prompt=request.prompt))
            return
        for start in range(0, request.samples, self.backend.slots):
            part = range(start, min(request.samples, start + self.backend.slots))
            self._waiting.append(Waiting(request=request, samples=part, prompt=request.prompt))

    def cancel(self, key: int) -> None:
        """Drop a request; its slots are free at the next step."""
        self._waiting = deque(entry for entry in self._waiting if entry.request.key != key)
        self._searches.pop(key, None)
        self._let_go([branch for branch in self._running if branch.request.key == key])

    def clear(self) -> list[Piece]:
        """Drop all requests, as after an error in a step; return the text of streams that was not handed out."""
        streams = [branch for branch in self._running if branch.request.stream and not branch.finish_reason]
        pieces = [branch.piece(text) for branch in streams if (text := branch.text.take())]
        self._waiting.clear()
        self._searches.clear()
        self._running.clear()
        return pieces

    def step(self, *, hand_out: bool = True) -> list[Finished | Piece]:
        """Do one round; return what finished and what can be streamed.

        Without hand_out, text of a stream that has begun and goes on waits for the next step that has it.
        """
        entries = self._admit()
        events = self._prefill(entries, hand_out) if entries else []
        if self._running:
            events += self._decode(hand_out)
        return events

    def _admit(self) -> list[Waiting]:
        """Take waiting prompts of about the oldest one's length, as many as slots and the token budget allow."""
        free = self.backend.slots - len(self._running)
        if not self._waiting or not free:
            return []
        first = self._waiting[0]
        fits = len(first.samples) <= free
        waits = not fits or free < self.backend.slots / REFILL_SHARE
        if self._running and waits and self._held_back < REFILL_STEPS:
            self._held_back += 1
            return []
        self._held_back = 0
        if not fits and first.can_part:
            self._waiting.popleft()
            self._waiting.extendleft(reversed(first.parted(free)))
        oldest = len(first.prompt)
        admitted: list[Waiting] = []
        longest = 0
        for entry in sorted(self._waiting, key=lambda entry: abs(len(entry.prompt) - oldest)):
            longest = max(longest, len(entry.prompt))
            if len(entry.samples) > free or (admitted and longest * (len(admitted) + 1) > PREFILL_TOKENS):
                break
            admitted.append(entry)
            free -= len(entry.samples)
        chosen = set(map(id, admitted))
        self._waiting = deque(entry for entry in self._waiting if id(entry) not in chosen)
        return admitted

    def _prefill(self, entries: list[Waiting], hand_out: bool) -> list[Finished | Piece]:
        """Read prompts once each, fork the cache for further samples, and choose the first tokens."""
        first = len(self._running)
        logits = self.backend.prefill(first, [entry.prompt for entry in entries], self._top(entries))
        rows = list(range(len(entries)))
        forks = [entry.branches() for entry in entries]
        joined = [branches[0] for branches in forks]
        for row, (entry, branches) in enumerate(zip(entries, forks, strict=True)):
            for branch in branches[1:]:
                self.backend.copy(first + row, first + len(joined), len(entry.prompt))
                joined.append(branch)
                rows.append(row)
            if entry.request.sampler.options.num_beams > 1:
                search = BeamSearch(entry.request, branches, self._eos, self._token_bytes)
                self._searches[entry.request.key] = search
        for slot, (branch, row) in enumerate(zip(joined, rows, strict=True), first):
            branch.slot, branch.cached = slot, len(entries[row].prompt)
        self._running += joined
        return self._advance(joined, rows, logits, hand_out)

    def _decode(self, hand_out: bool) -> list[Finished | Piece]:
        """Add one token to every running branch."""
        branches = list(self._running)
        top = max(self._wanted(branch.request) for branch in branches)
        logits = self.backend.decode([b.tokens[-1] for b in branches], [b.cached for b in branches], top)
        for branch in branches:
            branch.cached += 1
        return self._advance(branches, list(range(len(branches))), logits, hand_out)

    def _advance(
        self, branches: list[Branch], rows: list[int], logits: Logits, hand_out: bool
    ) -> list[Finished | Piece]:
        """Choose each branch's next token, let go of what is finished, and return the events."""
        require_finite(logits.logsumexp)
        self.new_tokens += len(branches)
        events: list[Finished | Piece] = []
        done: list[Branch] = []
        row_of = {id(branch): row for branch, row in zip(branches, rows, strict=True)}
        for group in _by_sampler(branches):
            if group[0].request.sampler.options.num_beams > 1:
                events += self._advance_searches(group, row_of, logits, done)
                continue
            group_rows = [row_of[id(branch)] for branch in group]
            chosen = group[0].request.sampler.choose(logits, group_rows, group)
            for branch, row, token in zip(group, group_rows, chosen, strict=True):
                _record(branch, row, token, logits)
                events += self._add_token(branch, token, hand_out)
                if branch.finish_reason:
                    done.append(branch)
        self._let_go(done + self._slide(branches))
        return events

    def _add_token(self, branch: Branch, token: int, hand_out: bool) -> list[Finished | Piece]:
        """Append a token and return what it brought about."""
        branch.tokens.append(token)
        if token in self._eos:
            branch.finish_reason = "eos"
        elif branch.text.push(self._token_bytes(token)):
            branch.finish_reason = "stop"
        elif branch.new_tokens >= branch.request.token_limit:
            branch.finish_reason = "length"
        events: list[Finished | Piece] = []
        if branch.request.stream and (hand_out or branch.finish_reason or not branch.text.has_begun):
            text = branch.text.finish() if branch.finish_reason else branch.text.take()
            if text:
                events.append(branch.piece(text))
        if branch.finish_reason:
            events.append(branch.finished())
        return events

    def _advance_searches(
        self, group: list[Branch], row_of: dict[int, int], logits: Logits, done: list[Branch]
    ) -> list[Finished]:
        """Advance every beam search among these branches by one token."""
        events: list[Finished] = []
        for key in dict.fromkeys(branch.request.key for branch in group):
            search = self._searches[key]
            search.advance(logits, [row_of[id(branch)] for branch in search.beams], self.backend.copy)
            if search.is_done:
                events += search.results()
                done += search.beams
                del self._searches[key]
        return events

    def _slide(self, branches: list[Branch]) -> list[Branch]:
        """Queue branches whose window is full to read its last half again; return them."""
        window = self.backend.n_positions
        full = [b for b in branches if b.request.slide and not b.finish_reason and b.cached == window]
        for branch in full:
            samples = range(branch.sample, branch.sample + 1)
            entry = Waiting(
                request=branch.request, samples=samples, prompt=branch.tokens[-(window // 2) :], branch=branch
            )
            self._waiting.appendleft(entry)
        return full

    def _let_go(self, branches: list[Branch]) -> None:
        """Free the slots of branches; the last running ones move into the holes."""
        for branch in sorted(branches, key=lambda branch: branch.slot, reverse=True):
            last = self._running.pop()
            if last is not branch:
                self.backend.copy(last.slot, branch.slot, last.cached)
                last.slot = branch.slot
                self._running[branch.slot] = last
            branch.slot = -1

    def _top(self, entries: list[Waiting]) -> int:
        """Return how many of the likeliest tokens some prompts' first choices need."""
        return max(self._wanted(entry.request) for entry in entries)

    def _wanted(self, request: Request) -> int:
        """Return how many of the likeliest tokens a request needs, which cannot be more than there are."""
        beams = request.sampler.options.num_beams
        wanted = BeamSearch.candidates(beams, len(self._eos)) if beams > 1 else request.sampler.top
        return min(wanted, self.backend.vocab_size)


def _by_sampler(branches: list[Branch]) -> list[list[Branch]]:
    """Group branches that share their options, which choose together."""
    groups: dict[int, list[Branch]] = {}
    for branch in branches:
        groups.setdefault(id(branch.request.sampler), []).append(branch)
    return list(groups.values())


def _record(branch: Branch, row: int, token: int, logits: Logits) -> None:
    """Add a chosen token's log probability, and the alternatives if they are wanted."""
    total = float(logits.logsumexp[row])
    logprob = float(logits.values[row, token]) - total
    branch.logprob += logprob
    wanted = branch.request.sampler.options.logprobs
    if wanted is not None:
        ids, values = logits.top_ids[row, :wanted], logits.top_values[row, :wanted]
        top = tuple((int(i), float(np.float32(value) - total)) for i, value in zip(ids, values, strict=True))
        branch.scores.append(TokenScore(token=token, logprob=logprob, top=top))
