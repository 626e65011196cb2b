"""WikiText as running text, and parted into its pages."""

import pytest

from gptcli.evaluation.detokenizers import wikitext_detokenized, wikitext_pages


@pytest.mark.parametrize(
    ("tokenized", "text"),
    [
        ("a well @-@ known 1 @,@ 234 @.@ 5 thing", "a well-known 1,234.5 thing"),
        ("He said : yes ; no . Really ? Yes ! Or , so", "He said: yes; no. Really? Yes! Or, so"),
        ('the " old " house ( of cards ) [ sic ]', 'the "old" house (of cards) [sic]'),
        (" = = Early life = = \n The year 's end . \n", " == Early life ==\nThe year's end.\n"),
        ("12 ° C", "12°C"),
        ("N N and N ", "N 1 and 1 "),
        ("", ""),
    ],
)
def test_wikitext_reads_like_text(tokenized, text):
    assert wikitext_detokenized(tokenized) == text


def test_pages_begin_with_their_titles():
    text = " \n = One = \n \n Text . \n = = Part = = \n More . \n \n = Two = \n \n End . \n"
    assert wikitext_pages(text) == [
        " = One = \n \n Text . \n = = Part = = \n More . \n ",
        " = Two = \n \n End . \n",
    ]


def test_a_text_without_titles_is_one_page():
    assert wikitext_pages("some text\nwithout any\n") == ["some text\nwithout any\n"]


def test_wikitext_2_has_62_pages(shared):
    text = (shared / "data" / "wikitext-2" / "wiki.test.raw").read_text(encoding="utf-8")
    pages = wikitext_pages(text)
    assert len(pages) == 62
    assert pages[0].startswith(" = Robert Boulter = \n")
    assert " \n" + "\n".join(pages) == text


def test_marks_without_their_others_take_no_time():
    text = "( a " * 20_000 + '" b ' * 20_001
    assert wikitext_detokenized(text).startswith("( a ( a ")
