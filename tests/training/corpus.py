"""A small corpus and its tokenizer, for the tests of pretraining's data."""

from pathlib import Path

from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.checkpoint.tokenizer_files import build_tokenizer
from gptcli.training.corpus import Corpus, CorpusKey, corpus_key, open_corpus
from gptcli.training.corpus_documents import Documents
from gptcli.training.corpus_writing import tokenize_corpus
from gptcli.training.tokenizer_training import train_tokenizer

STORIES = tuple(
    f"The {animal} went to the {place}.\n\n“Is it far?” it asked,  and didn't wait.\nIt wasn't."
    for animal in ("hare", "fox", "crow", "été", "猫")
    for place in ("river", "mill", "old house")
)


def small_tokenizer(directory: Path, vocab_size: int = 300) -> Tokenizer:
    """Train a tokenizer on the stories."""
    train_tokenizer(STORIES, vocab_size, directory)
    return Tokenizer(build_tokenizer(directory, model_vocab_size=vocab_size))


def key_of(documents: Documents, tokenizer: Path, split: float = 0.0) -> CorpusKey:
    """Describe the streams of documents and the tokenizer of a directory."""
    built = Tokenizer(build_tokenizer(tokenizer, model_vocab_size=300))
    return corpus_key(documents, built, tokenizer, validation_split=split)


def tokenized(paths: list[Path], tokenizer: Path, directory: Path, split: float = 0.0) -> Corpus:
    """Tokenize files with the tokenizer of a directory."""
    documents = Documents([str(path) for path in paths])
    key = key_of(documents, tokenizer, split)
    built = Tokenizer(build_tokenizer(tokenizer, model_vocab_size=300))
    for _ in tokenize_corpus(documents, built, key, directory):
        pass
    return open_corpus(directory)
