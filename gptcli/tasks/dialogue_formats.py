"""Choose the format of a conversation: as asked, as the model was tuned, DialoGPT's, or a plain one."""

import re
from collections.abc import Iterator
from pathlib import Path

from gptcli.checkpoint.files import TOKENIZER_CONFIG, read_json_if_present
from gptcli.checkpoint.template import read_template
from gptcli.data.named_templates import NAMED
from gptcli.data.prompts import prompter
from gptcli.data.templates import PromptTemplate
from gptcli.errors import ConfigError, ModelError
from gptcli.tasks.dialogue import DialogueFormat

PLAIN = "plain"
"""User: and Assistant: in front of the turns: the named template chat, so that what is tuned on such turns agrees."""
DIALOGPT = "dialogpt"
CHAT_TEMPLATE = "chat_template.jinja"
"""Where newer transformers save the template of a tokenizer."""

_CHOOSE = f"choose another with --template: {PLAIN}, {DIALOGPT}, {', '.join(NAMED)}, or a format such as 'Q: {{q}} A:'"
# The template of DialoGPT, however it is spelled: each message's content, then the end-of-text token.
_EOS_BETWEEN = re.compile(
    r"\{%for(\w+)inmessages%\}\{\{\1(?:\.content|\[['\"]content['\"]\])(?:\}\}\{\{|\+)eos_token\}\}\{%endfor%\}"
)


def check_wanted(wanted: str) -> None:
    """Raise ConfigError for a --template that is no format of a conversation."""
    if wanted not in (PLAIN, DIALOGPT):
        _asked(wanted)


def dialogue_format(directory: Path, name: str, wanted: str | None) -> DialogueFormat:
    """Return the format for a model: the wanted one, its own, DialoGPT's by its tokenizer or name, else plain.

    wanted is plain, dialogpt, a named template or a format string with one field besides the completion. Raises
    ConfigError where it is none of these, and ModelError where the model's own is damaged.
    """
    if wanted is not None:
        return _wanted(wanted)
    saved = read_template(directory)
    if saved is not None:
        return _saved(saved)
    chat_template = _chat_template(directory)
    if chat_template is not None and _EOS_BETWEEN.fullmatch(re.sub(r"[\s-]", "", chat_template)):
        return DialogueFormat(name=DIALOGPT, reason="the tokenizer's chat template", template=None)
    if "dialogpt" in name.casefold():
        return DialogueFormat(name=DIALOGPT, reason="by the model's name", template=None)
    if chat_template is not None:
        return _plain(f"the model's chat_template is a program, which is not run: the plain format is used; {_CHOOSE}")
    return _plain(None)


def _wanted(wanted: str) -> DialogueFormat:
    if wanted == PLAIN:
        return DialogueFormat(name=PLAIN, reason="as asked", template=_named_chat())
    if wanted == DIALOGPT:
        return DialogueFormat(name=DIALOGPT, reason="as asked", template=None)
    template = _asked(wanted)
    return DialogueFormat(name=template.name or wanted, reason="as asked", template=template)


def _asked(wanted: str) -> PromptTemplate:
    """Return what --template asks for; raises ConfigError where it does not take a user's text and nothing else."""
    if wanted not in NAMED and "{" not in wanted:
        raise ConfigError(f"--template {wanted} is no format of a conversation: {_CHOOSE}")
    templates = prompter(wanted).templates
    for template in templates:
        if len(template.fields) == 1:
            return template
    fields = templates[0].fields
    has = f"has the fields {' and '.join(fields)}" if fields else "has no field"
    raise ConfigError(f"--template {wanted} {has}: in a conversation there is one, for what the user says")


def _saved(saved: PromptTemplate) -> DialogueFormat:
    """Return the format that a model was tuned with, unless a conversation cannot fill it in."""
    if len(saved.fields) == 1:
        return DialogueFormat(name=saved.name or saved.template, reason="saved with the model", template=saved)
    needs = f"needs {' and '.join(saved.fields)}" if saved.fields else "takes no text"
    return _plain(f"the template saved with the model {needs}: the plain format is used; {_CHOOSE}")


def _plain(warning: str | None) -> DialogueFormat:
    reason = "the model has none of its own" if warning is None else "in place of the model's own"
    return DialogueFormat(name=PLAIN, reason=reason, template=_named_chat(), warning=warning)


def _named_chat() -> PromptTemplate:
    (template,) = prompter("chat").templates
    return template


def _chat_template(directory: Path) -> str | None:
    """Return the chat template that transformers saves with a tokenizer, the default one of several."""
    path = directory / CHAT_TEMPLATE
    if path.is_file():
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"{path}: cannot be read ({error}); download the model again") from error
    found = read_json_if_present(directory / TOKENIZER_CONFIG).get("chat_template")
    return found if isinstance(found, str) else next(_defaults(found), None)


def _defaults(found: object) -> Iterator[str]:
    for entry in found if isinstance(found, list) else []:
        if isinstance(entry, dict) and entry.get("name") == "default" and isinstance(entry.get("template"), str):
            yield entry["template"]
