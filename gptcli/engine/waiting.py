"""A prompt in the engine's queue, with the samples that are to go on from it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gptcli.engine.request import Branch, Request, new_branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A prompt to read, and the samples that go on from it."""

    request: Request
    samples: range
    prompt: Sequence[int]
    branch: Branch | None = None
    """The one sample that is on its way already and only reads its window again."""

    def branches(self) -> list[Branch]:
        """Return the branches of the samples; they cost memory only from now on."""
        return [self.branch] if self.branch else [new_branch(self.request, sample) for sample in self.samples]

    @property
    def can_part(self) -> bool:
        """Return whether some samples may begin before others, as the beams of a search may not."""
        return self.request.sampler.options.num_beams == 1

    def parted(self, count: int) -> tuple["Waiting", "Waiting"]:
        """Return the first samples, so many, and the others, for which the prompt is read again."""
        return replace(self, samples=self.samples[:count]), replace(self, samples=self.samples[count:])
