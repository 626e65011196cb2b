"""What the model writes while it is being trained, through the engine that will run it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from transformers import GPT2LMHeadModel

from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.engine.engine import Engine
from gptcli.engine.options import SamplingOptions
from gptcli.engine.request import Finished, Request
from gptcli.engine.sampling import Sampler
from gptcli.engine.stream import in_order
from gptcli.engine.torch_backend import TorchBackend
from gptcli.evaluation.copying import CopyIndex
from gptcli.training.events import SampleReport
from gptcli.training.options import TrainingOptions
from gptcli.training.run import Run

SLOTS = 4
"""Prompts at once: a cache that is small beside the optimizer."""
SAMPLE_TOKENS = 60


def write_on(
    model: GPT2LMHeadModel, tokenizer: Tokenizer, prompts: Sequence[str], options: SamplingOptions, *, seed: int
) -> list[str]:
    """Return what the model writes behind each prompt; of a prompt longer than the context its end is read."""
    context = model.config.n_positions
    eos_ids = () if tokenizer.eos_id is None else (tokenizer.eos_id,)
    sampler = Sampler(options=options, eos_token_ids=eos_ids, ban=None)
    limit = min(options.token_limit(0), context - 1)
    requests = [
        Request(
            key=number,
            row=number,
            prompt=tuple((tokenizer.encode(prompt) or list(eos_ids))[-(context - limit) :]),
            sampler=sampler,
            samples=1,
            seed=seed,
            token_limit=limit,
        )
        for number, prompt in enumerate(prompts)
    ]
    with _plain(model), torch.random.fork_rng(devices=[]):
        engine = Engine(TorchBackend(model, slots=SLOTS), tokenizer.token_bytes, eos_ids)
        return [found.text for found in in_order(engine, requests) if isinstance(found, Finished)]


def sampled(
    run: Run, tokenizer: Tokenizer, options: TrainingOptions, corpus: Callable[[], CopyIndex]
) -> SampleReport | None:
    """Return what a run's model writes behind --sample-prompt, if there is one; all processes must call it.

    Only the main process asks for the corpus, which takes memory.
    """
    prompt = options.sample_prompt
    if prompt is None:
        return None
    sampling = SamplingOptions(max_new_tokens=SAMPLE_TOKENS)
    with run.language_model() as model:
        texts = [] if model is None else write_on(model, tokenizer, [prompt], sampling, seed=options.seed)
    text = run.processes.told_by_main("".join(texts))
    copied = run.processes.by_main(lambda: corpus().share(text))
    return SampleReport(step=run.state.step, prompt=prompt, text=text, copied=copied)


@contextmanager
def _plain(model: GPT2LMHeadModel) -> Iterator[None]:
    """Give the model transformers' own attention, and take what only training has away, for a while."""
    trained, training = model.config._attn_implementation, model.training
    model.config._attn_implementation = "sdpa"
    model.train(False)
    try:
        yield
    finally:
        model.config._attn_implementation = trained
        model.train(training)
