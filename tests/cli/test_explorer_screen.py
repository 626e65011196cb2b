"""What the next-token explorer shows: it fits any screen, and says all without colour and without Unicode."""

import pytest
from prompt_toolkit.utils import get_cwidth

from gptcli.cli.explorer_screen import View, draw, keys_of_looking
from gptcli.cli.surface import Surface
from gptcli.tasks.explain_events import NextToken


def choice(text: str, probability: float, drawn: float) -> NextToken:
    """Return a candidate."""
    return NextToken(token=1, text=text, probability=probability, drawn=drawn)


CHOICES = (choice(" the", 0.5, 0.625), choice(" a", 0.3, 0.375), choice("\n", 0.1, 0), choice("\x1b[2J", 0.05, 0))
FACTS = ("temperature 1", "top-k 2", "top-p 1", "keeps 2 of 50,257", "entropy 5.2 bits")


WIDE = Surface(columns=60, unicode=True, palette="none")


def lines(
    *,
    columns: int = 100,
    rows: int = 40,
    unicode: bool = True,
    text: str = "Once upon",
    chosen: int = 0,
    message: str = "",
) -> list[str]:
    """Return the lines of a view as they stand on the screen."""
    view = View(text=text, choices=CHOICES, chosen=chosen, facts=FACTS, message=message)
    return plain(view, Surface(columns=columns, unicode=unicode, palette="none"), rows)


def plain(view: View, surface: Surface, rows: int = 40) -> list[str]:
    """Return the lines of a view without their styles."""
    return ["".join(part for _, part in line) for line in draw(view, surface, rows, keys_of_looking(surface))]


def test_a_wide_screen_has_the_text_both_probabilities_a_bar_and_the_keys() -> None:
    seen = lines(unicode=False)
    assert seen[0] == "Once upon the"
    assert seen[1].split() == ["drawn", "model", "token"]
    assert seen[2].split() == [">", "62.5%", "50.0%", '"', 'the"', "#" * 40]
    assert seen[4].split()[:3] == ["-", "10.0%", '"\\n"']
    assert seen[6].startswith("temperature 1, top-k 2, top-p 1, keeps 2 of 50,257")
    assert "q leave" in seen[-1]


def test_the_marked_candidate_is_shown_behind_the_text() -> None:
    seen = lines(chosen=1, unicode=False)
    assert (seen[0], seen[3][0], seen[2][0]) == ("Once upon a", ">", " ")


TEXTS = ("", "Once upon", "a" * 100_000, "\n" * 50, "日本語" * 30, "\x1b[2J\x00\u202eevil\ud83d", "🙂" * 40)


@pytest.mark.parametrize("columns", [1, 2, 9, 20, 40, 41, 100])
@pytest.mark.parametrize("rows", [1, 5, 10, 24])
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_any_screen_holds_what_is_drawn_and_no_control_character_reaches_it(columns: int, rows: int, text: str) -> None:
    for unicode in (True, False):
        seen = lines(columns=columns, rows=rows, unicode=unicode, text=text, chosen=3, message="This is the beginning.")
        assert len(seen) <= rows
        assert all(line.isprintable() for line in seen)
        assert unicode or all(line.isascii() for line in seen)
        if columns >= 20:
            assert max(map(get_cwidth, seen)) <= columns


def test_20_columns_still_have_percentages_tokens_bars_options_and_keys() -> None:
    seen = lines(columns=20, rows=24, unicode=False)
    assert seen[1].startswith('> 62% " the"')
    assert seen[1].endswith("#####")
    assert seen[3].startswith("    -")
    assert "keeps 2 of 50,257" in seen[seen.index("top-k 2, top-p 1,") + 1]
    assert "q leave" in seen[-1]


def test_a_low_screen_keeps_the_text_and_three_candidates() -> None:
    seen = lines(columns=20, rows=5, unicode=False)
    assert len(seen) == 5
    assert [line[:1] for line in seen[1:4]] == [">", " ", " "]


def test_candidates_scroll_with_the_marked_one() -> None:
    many = tuple(choice(str(number), 0.01, 0.01) for number in range(50))
    view = View(text="", choices=many, chosen=30, facts=(), message="")
    marked = [line for line in plain(view, WIDE) if line.startswith(">")]
    assert ['"30"' in line for line in marked] == [True]


def test_without_candidates_there_are_only_text_message_and_keys() -> None:
    view = View(text="", choices=(), chosen=0, facts=("temperature 1",), message="Empty.")
    assert plain(view, WIDE)[:3] == ["", "Empty.", "temperature 1"]


def bars(*choices: NextToken, unicode: bool) -> list[str]:
    """Return the bars of candidates, ten columns wide."""
    view = View(text="", choices=choices, chosen=0, facts=(), message="")
    drawn = draw(view, Surface(columns=20, unicode=unicode, palette="none"), 40, keys=())
    return ["".join(text for style, text in line if style in ("kept", "faint")) for line in drawn[1 : 1 + len(choices)]]


def test_a_bar_is_solid_as_far_as_drawn_and_faint_as_far_as_the_model_goes() -> None:
    both = choice("a", 0.5, 0.25), choice("b", 0.5, 0.0), choice("c", 0.1, 0.5)
    assert bars(*both, unicode=False) == ["#####.....", "..........", "##########"]
    assert bars(*both, unicode=True) == ["█████░░░░░", "░░░░░░░░░░", "██████████"]
