r"""The prompt of a label in words: a text with the fields {text} and {label}, read exactly as it is written.

The boundary: white space in front of {label} is the label's, as a completion's is (gptcli.data.templates). What stands
behind {label} is a part of every label and is scored with it: "It was a {label} film." asks for "good film.".
"""

from dataclasses import dataclass, field

from gptcli.data.templates import WHITE, segments_of
from gptcli.errors import ConfigError

TEXT, LABEL = "text", "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelTemplate:
    """A template with {text} once and {label} once behind it; raises ConfigError for any other."""

    template: str
    before: str = field(init=False, repr=False, compare=False)
    """What stands before the text."""
    between: str = field(init=False, repr=False, compare=False)
    """What stands between text and label, less the label's white space."""
    _lead: str = field(init=False, repr=False, compare=False)
    _after: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        segments = tuple(segments_of(self.template))
        fields = [name for _, name in segments if name is not None]
        _check_fields(fields)
        between = segments[1][0]
        stripped = between.rstrip(WHITE)
        values = {"before": segments[0][0], "between": stripped, "_after": segments[2][0]}
        for name, value in (values | {"_lead": between[len(stripped) :]}).items():
            object.__setattr__(self, name, value)

    def prompt(self, text: str) -> str:
        """Return what stands before the label."""
        return f"{self.before}{text}{self.between}"

    def answer(self, label: str) -> str:
        """Return the label with the white space before it, and what stands behind it."""
        return f"{self._lead}{label}{self._after}"


def _check_fields(fields: list[str]) -> None:
    """Raise ConfigError where the fields are not the text and then the label."""
    for name in fields:
        if name not in (TEXT, LABEL):
            raise ConfigError(f"--template has the field {{{name}}}: with --labels it has {{text}} and {{label}} only")
    for name in (TEXT, LABEL):
        if fields.count(name) != 1:
            how_often = "no" if name not in fields else "more than one"
            raise ConfigError(
                f"--template has {how_often} {{{name}}}: write {{text}} where the text goes, and {{label}} behind it"
            )
    if fields != [TEXT, LABEL]:
        raise ConfigError("--template must have {label} behind {text}: the label is asked for once the text is read")
