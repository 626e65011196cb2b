"""The plain transformers scripts that label texts today; texts come a line each from standard input.

python benchmarks/peer_classify.py MODEL pipeline              pipeline("text-classification"), labels printed
python benchmarks/peer_classify.py MODEL batches SIZE          the same in batches; texts a second printed
python benchmarks/peer_classify.py MODEL pairs LABEL LABEL...  a pass for each text and label; texts a second printed

Texts a second are without the start.
"""

import sys
import time

import torch
from transformers import GPT2LMHeadModel, GPT2TokenizerFast, pipeline

TEMPLATE = "Text: {}\nLabel:"


def main() -> None:
    """Do what the arguments ask for."""
    directory, task, *more = sys.argv[1:]
    texts = sys.stdin.read().splitlines()
    if task == "pairs":
        print(by_pairs(directory, texts, more))
        return
    classify = pipeline("text-classification", model=directory, truncation=True)
    if task == "pipeline":
        for text, found in zip(texts, classify(texts), strict=True):
            print(found["label"], found["score"], text, sep="\t")
        return
    start = time.perf_counter()
    classify(texts, batch_size=int(more[0]))
    print(len(texts) / (time.perf_counter() - start))


def by_pairs(directory: str, texts: list[str], labels: list[str]) -> float:
    """Return texts a second: the log probability of each label behind each text, without a cache."""
    tokenizer = GPT2TokenizerFast.from_pretrained(directory)
    model = GPT2LMHeadModel.from_pretrained(directory).eval()
    endings = [tokenizer(f" {label}").input_ids for label in labels]
    start = time.perf_counter()
    with torch.no_grad():
        for text in texts:
            prompt = tokenizer(TEMPLATE.format(text)).input_ids
            for ending in endings:
                ids = torch.tensor([prompt + ending])
                logprobs = model(ids).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
                float(logprobs.gather(1, ids[0, len(prompt) :, None]).sum())
    return len(texts) / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
