"""Beam search with transformers' definition: num_beams running hypotheses, the best finished ones kept aside.

`early_stopping` is transformers' default, False: the search ends when no running beam, at its present length,
could still beat the worst finished one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gptcli.engine.backend import Floats, Ids, Logits
from gptcli.engine.finish import FinishReason
from gptcli.engine.request import Branch, Finished, Request, TokenBytes

NEVER = np.float32(-1e9)
"""The score of a hypothesis that must not win, as in transformers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """A beam with one more token."""

    parent: Branch
    token: int
    score: np.float32
    logprob: float
    finish_reason: FinishReason | None


class BeamSearch:
    """The beams of one request, in order of their scores."""

    def __init__(self, request: Request, beams: list[Branch], eos: frozenset[int], token_bytes: TokenBytes) -> None:
        self.key = request.key
        self.beams = beams
        self.is_done = False
        self._request = request
        self._eos = eos
        self._token_bytes = token_bytes
        self._options = request.sampler.options
        # All beams begin alike: only the first may win, or the first step would choose the same token for each.
        self._scores = np.array([0, *[NEVER] * (len(beams) - 1)], np.float32)
        self._finished: list[tuple[np.float32, Finished]] = []

    @staticmethod
    def candidates(num_beams: int, eos_tokens: int) -> int:
        """Return how many continuations to look at, so that enough remain when the best ones end."""
        return max(2, 1 + eos_tokens) * num_beams

    def advance(self, logits: Logits, rows: Sequence[int], copy: Callable[[int, int, int], None]) -> None:
        """Extend the beams by one token, given the row of the logits of each."""
        ranked = self._rank(logits, rows)
        self._keep_finished(ranked[: len(self.beams)])
        running = [candidate for candidate in ranked if candidate.finish_reason is None]
        if not running:
            self.is_done = True
            return
        ended = [replace(candidate, score=candidate.score + NEVER) for candidate in ranked if candidate.finish_reason]
        running = (running + ended)[: len(self.beams)]  # where too few can go on, ended ones fill up and never win
        self._branch_off(running, copy)
        self._scores = np.array([candidate.score for candidate in running], np.float32)
        self.is_done = self._cannot_improve()

    def results(self) -> list[Finished]:
        """Return the best finished hypotheses, as many as samples were asked for, best first."""
        best = self._finished[: self._request.samples]
        return [replace(finished, sample=sample) for sample, (_, finished) in enumerate(best)]

    def _rank(self, logits: Logits, rows: Sequence[int]) -> list[_Candidate]:
        """Return the best continuations of all beams, best first."""
        count = self.candidates(len(self.beams), len(self._eos))
        scores, tokens, parents = [], [], []
        for rank, (branch, row) in enumerate(zip(self.beams, rows, strict=True)):
            values, ids = self._log_probabilities(logits, row, branch, count)
            scores.append(values + self._scores[rank])
            tokens.append(ids)
            parents.append(np.full(len(ids), rank))
        score, token, parent = np.concatenate(scores), np.concatenate(tokens), np.concatenate(parents)
        best = np.argsort(-score, kind="stable")[:count]
        return [self._candidate(self.beams[parent[n]], int(token[n]), score[n], logits, rows[parent[n]]) for n in best]

    def _log_probabilities(self, logits: Logits, row: int, branch: Branch, count: int) -> tuple[Floats, Ids]:
        """Return the best processed log-probabilities of one row with their token ids."""
        sampler = self._request.sampler
        if not sampler.changes_logits(branch):
            return logits.top_values[row, :count] - logits.logsumexp[row], logits.top_ids[row, :count]
        processed = sampler.process(logits.values[row] - logits.logsumexp[row], branch)
        ids = np.argsort(-processed, kind="stable")[:count]
        return processed[ids], ids

    def _candidate(self, parent: Branch, token: int, score: np.float32, logits: Logits, row: int) -> _Candidate:
        """Return a continuation, with the reason why it ends here if it does."""
        reason: FinishReason | None = None
        if token in self._eos:
            reason = "eos"
        elif parent.text.would_stop(self._token_bytes(token)):
            reason = "stop"
        elif parent.new_tokens + 1 >= self._request.token_limit:
            reason = "length"
        logprob = float(logits.values[row, token] - logits.logsumexp[row])
        return _Candidate(parent=parent, token=token, score=score, logprob=logprob, finish_reason=reason)

    def _keep_finished(self, best: list[_Candidate]) -> None:
        """Keep the best of the finished hypotheses, old and new; scores are divided by length ** penalty."""
        for candidate in best:
            if candidate.finish_reason is None:
                continue
            length = candidate.parent.new_tokens + 1
            score = np.float32(candidate.score / length**self._options.length_penalty)
            self._finished.append((score, self._end(candidate)))
        self._finished.sort(key=lambda pair: -pair[0])
        del self._finished[len(self.beams) :]

    def _end(self, candidate: _Candidate) -> Finished:
        """Return a candidate as a finished sample; its number is given when the search is over."""
        branch = Branch(request=self._request, sample=0, text=candidate.parent.text.copy())
        branch.become(candidate.parent)
        branch.finish_reason = candidate.finish_reason
        self._extend(branch, candidate)
        return branch.finished()

    def _branch_off(self, running: list[_Candidate], copy: Callable[[int, int, int], None]) -> None:
        """Give every surviving candidate a branch: its parent's, or for a second child one that died out."""
        survivors = {id(candidate.parent) for candidate in running}
        dead = [branch for branch in self.beams if id(branch) not in survivors]
        taken: set[int] = set()
        children: list[Branch] = []
        for candidate in running:
            child = candidate.parent
            if id(child) in taken:
                child = dead.pop()
                copy(candidate.parent.slot, child.slot, candidate.parent.cached)
                child.become(candidate.parent)
            taken.add(id(candidate.parent))
            children.append(child)
        for child, candidate in zip(children, running, strict=True):
            self._extend(child, candidate)
        self.beams = children

    def _extend(self, branch: Branch, candidate: _Candidate) -> None:
        """Append a candidate's token to a branch that holds its parent's history."""
        branch.tokens.append(candidate.token)
        branch.logprob += candidate.logprob
        if candidate.finish_reason != "eos":
            branch.text.push(self._token_bytes(candidate.token))

    def _cannot_improve(self) -> bool:
        """Return whether no running beam could still beat the worst of a full set of finished ones."""
        if len(self._finished) < len(self.beams):
            return False
        length = self.beams[0].new_tokens
        best_possible = self._scores[0] / length**self._options.length_penalty
        return bool(best_possible <= self._finished[-1][0])
