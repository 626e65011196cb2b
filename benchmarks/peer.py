"""The plain transformers script that people have today: from_pretrained, then generate. Run by the benchmarks.

python benchmarks/peer.py MODEL samples N LENGTH        N samples of one prompt, LENGTH tokens with the prompt
python benchmarks/peer.py MODEL first                   the first token of one prompt
python benchmarks/peer.py MODEL batches SIZE NEW        prompts from stdin, SIZE at a time, up to NEW tokens each
"""

import sys
import time

import torch
from transformers import GPT2LMHeadModel, GPT2Tokenizer


def main() -> None:
    """Do what the arguments ask for and print the texts."""
    directory, task, *numbers = sys.argv[1:]
    tokenizer = GPT2Tokenizer.from_pretrained(directory, padding_side="left")
    tokenizer.pad_token = tokenizer.eos_token
    model = GPT2LMHeadModel.from_pretrained(directory)
    torch.manual_seed(0)
    if task == "samples":
        samples, length = map(int, numbers)
        prompt = tokenizer("Hello, my name is", return_tensors="pt")
        output = model.generate(
            **prompt,
            do_sample=True,
            num_return_sequences=samples,
            max_length=length,
            pad_token_id=tokenizer.eos_token_id,
        )
        for row in output:
            print(tokenizer.decode(row, skip_special_tokens=True))
    elif task == "first":
        prompt = tokenizer("Hello, my name is", return_tensors="pt")
        output = model.generate(**prompt, do_sample=True, max_new_tokens=1, pad_token_id=tokenizer.eos_token_id)
        print(tokenizer.decode(output[0]))
    else:
        size, new_tokens = map(int, numbers)
        prompts = sys.stdin.read().splitlines()
        start, made = time.perf_counter(), 0
        for begin in range(0, len(prompts), size):
            batch = tokenizer(prompts[begin : begin + size], return_tensors="pt", padding=True)
            output = model.generate(
                **batch, do_sample=True, max_new_tokens=new_tokens, pad_token_id=tokenizer.eos_token_id
            )
            made += sum(_length(row[batch.input_ids.shape[1] :].tolist(), tokenizer.eos_token_id) for row in output)
        print(made / (time.perf_counter() - start))


def _length(tokens: list[int], eos: int) -> int:
    """Count the new tokens of a row up to its end of text."""
    return tokens.index(eos) + 1 if eos in tokens else len(tokens)


if __name__ == "__main__":
    main()
