"""Collect the tokens that a checkpoint adds to the BPE vocabulary, from the four files that may name them.

The order and the flags are those of transformers 5, because the order decides the ids of tokens that are new.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tokenizers import AddedToken

from gptcli.checkpoint.files import (
    ADDED_TOKENS,
    SPECIAL_TOKENS_MAP,
    TOKENIZER,
    TOKENIZER_CONFIG,
    JsonObject,
    read_json_if_present,
)
from gptcli.errors import ModelError

END_OF_TEXT = "<|endoftext|>"
"""What begins, ends and is unknown where the files name nothing else."""

_NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_DEFAULTED = ("bos_token", "eos_token", "unk_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedTokens:
    """The tokens in the order in which they are added, and the texts of those that have a meaning."""

    tokens: list[AddedToken]
    special: set[str]
    bos: str | None
    eos: str | None


def read_added_tokens(
    directory: Path, settings: JsonObject, document: JsonObject, *, vocab: Mapping[str, int], free_ids: range
) -> AddedTokens:
    """Collect the added tokens; free_ids are the model's ids that the vocabulary does not use."""
    if not settings.get("extra_special_tokens") and "additional_special_tokens" in settings:
        settings = settings | {"extra_special_tokens": settings["additional_special_tokens"]}
    if "added_tokens_decoder" in settings:
        listed = _from_decoder(settings["added_tokens_decoder"], directory)
    else:
        settings = settings | read_json_if_present(directory / SPECIAL_TOKENS_MAP)
        listed = _from_older_files(directory, settings, document)
    # GPT2Tokenizer makes a new token of a default that the vocabulary lacks, whether or not the model has
    # a row for it; here it must have one.
    if END_OF_TEXT in vocab or len(free_ids) > sum(token.content not in vocab for token in listed):
        settings = dict.fromkeys(_DEFAULTED, END_OF_TEXT) | settings
    named = [*_named(settings)]
    for token in listed:
        token.special = token.special or token.content in {other.content for other in named}
    special = [*named, *_extra(settings.get("extra_special_tokens", settings.get("additional_special_tokens")))]
    tokens = {token.content: token for token in listed}
    for token in special:
        tokens.setdefault(token.content, token)
    return AddedTokens(
        tokens=list(tokens.values()),
        special={token.content for token in (*listed, *special) if token.special},
        bos=_content(settings.get("bos_token")),
        eos=_content(settings.get("eos_token")),
    )


def _from_decoder(listed: object, directory: Path) -> list[AddedToken]:
    """Read added_tokens_decoder of tokenizer_config.json, a table from ids to tokens."""
    if not isinstance(listed, dict) or not all(str(key).isdecimal() for key in listed):
        raise ModelError(f"{directory / TOKENIZER_CONFIG}: added_tokens_decoder is no table of tokens by id")
    by_id = {int(key): token for key, token in listed.items()}
    return [_token(by_id[token_id], special=False) for token_id in sorted(by_id)]


def _from_older_files(directory: Path, settings: JsonObject, document: JsonObject) -> list[AddedToken]:
    """Read added_tokens.json and the added_tokens of tokenizer.json, which wins where both name an id."""
    special = {token.content for token in (*_named(settings), *_extra(settings.get("extra_special_tokens")))}
    by_id: dict[int, AddedToken] = {}
    for content, token_id in read_json_if_present(directory / ADDED_TOKENS).items():
        if not isinstance(token_id, int):
            raise ModelError(f"{directory / ADDED_TOKENS}: the id of {content!r} is no integer")
        by_id[token_id] = _token(content, special=content in special)
    serialized = document.get("added_tokens")
    for entry in serialized if isinstance(serialized, list) else []:
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), int):
            raise ModelError(f"{directory / TOKENIZER}: an entry of added_tokens has no id")
        by_id[entry["id"]] = _token(entry, special=False)
    return [by_id[token_id] for token_id in sorted(by_id)]


def _named(settings: JsonObject) -> Iterator[AddedToken]:
    """Yield the special tokens that have a role, those of transformers first, then a checkpoint's own."""
    own = [key for key in settings if key.endswith("_token") and key not in _NAMED]
    extra = settings.get("extra_special_tokens")
    for value in (
        *(settings.get(key) for key in (*_NAMED, *own)),
        *(extra.values() if isinstance(extra, dict) else ()),
    ):
        # Flags such as add_bos_token end in _token too.
        if _content(value) is not None:
            yield _token(value, special=True)


def _extra(values: object) -> Iterator[AddedToken]:
    """Yield the special tokens without a role."""
    for value in values if isinstance(values, list) else []:
        if _content(value) is not None:
            yield _token(value, special=True)


def _content(value: object) -> str | None:
    """Return the text of a token, which files write as a string or as an object."""
    content = value.get("content") if isinstance(value, dict) else value
    return content if isinstance(content, str) and content else None


def _token(value: object, *, special: bool) -> AddedToken:
    """Make a token of a string or an object; a special one is matched before normalization."""
    fields = value if isinstance(value, dict) else {"content": value}
    if _content(fields) is None:
        raise ModelError(f"the tokenizer's files add {value!r}, which is no token; download the model again")
    flags = {key: bool(fields[key]) for key in ("single_word", "lstrip", "rstrip", "normalized") if key in fields}
    special = special or bool(fields.get("special"))
    return AddedToken(str(fields["content"]), special=special, **{"normalized": not special, **flags})
