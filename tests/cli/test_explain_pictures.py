"""What gptcli explain draws, and the page that it writes."""

from pathlib import Path

import pytest

from tests.command import Screen, gptcli, started

TEXT = "'The cat sat on the mat \x1b[2J</script> 🙂'"


@pytest.mark.parametrize(
    "options",
    ["--attention", "--attention --layer 1 --head 2", "--lens", "--attribution gradient", "--attribution integrated"],
)
@pytest.mark.parametrize(("suffix", "begin"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_what_is_inside_is_drawn_in_the_form_that_the_name_says(
    tmp_path: Path, options: str, suffix: str, begin: bytes
) -> None:
    path = tmp_path / f"picture{suffix}"
    ended = gptcli(f"explain -m builtin {TEXT} {options} -o {path}")
    assert (ended.code, ended.out, ended.err) == (0, b"", "")
    assert path.read_bytes().startswith(begin)


def test_a_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    ended = gptcli(f"explain -m builtin {TEXT} -o {path}")
    assert (ended.code, ended.out, ended.err) == (0, b"", "")
    page = path.read_text()
    assert page.lower().count("</script>") == 2
    assert "behind a beginning-of-text token" in page, "one next token had two probabilities, and nothing said why"
    assert "src=" not in page.replace("script-src", "").replace("style-src", "").replace("img-src", "")
    assert gptcli(f"explain -m builtin {TEXT} -o {path}").code == 2
    again = gptcli(f"explain -m builtin {TEXT} --attribution gradient -o {path} --overwrite")
    assert (again.code, again.err) == (0, "")
    assert "gradient x input" in path.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["page.html", "picture.png"])
def test_where_there_is_no_room_the_file_that_was_there_stays(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("before")
    with started(f"explain -m builtin {TEXT} --lens -o {path} --overwrite", most_file_bytes=4000) as process:
        ended = process.end()
    told = f"gptcli: error: cannot write {path}: File too large; raise the limit on file sizes\n"
    assert (ended.code, ended.out, ended.err) == (3, b"", told)
    assert (path.read_text(), list(tmp_path.iterdir())) == ("before", [path])


def test_what_a_page_has_no_room_for_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gptcli.explaining.pictures.page.MOST_WEIGHTS", 10 * 6 * 10)
    ended = gptcli(f"explain -m builtin 'The cat sat on the mat.' --attention -o {tmp_path}/page.html")
    told = "the page has the attention of the first 4 of 7 tokens"
    assert (ended.code, ended.err) == (0, f"gptcli: warning: {tmp_path}/page.html: {told}\n")
    assert told in (tmp_path / "page.html").read_text()


def test_attribution_is_told_for_the_likeliest_token_or_a_chosen_one() -> None:
    likeliest = gptcli("explain -m builtin 'Once upon a' --attribution integrated").out.decode()
    assert 'for " time": integrated gradients' in likeliest
    shown = gptcli("explain -m builtin 'Once upon a' --attribution gradient --target ' dog'").out.decode()
    assert 'for " dog": gradient x input' in shown
    assert gptcli("explain -m builtin 'Once upon a' --attribution gradient --target 2373").out.decode() == shown


def test_the_seconds_of_torchs_import_are_told() -> None:
    """They read "looking inside", for six seconds."""
    screen = Screen()
    gptcli("explain -m builtin 'Once upon a' --attribution gradient", stderr=screen)
    assert "loading torch" in screen.getvalue()
