"""The playground's files: whole, from nowhere else, nothing that its policy forbids, readable colours, our defaults."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import gptcli.serving
from gptcli.engine.options import DEFAULT_NEW_TOKENS, SamplingOptions

PAGE = Path(gptcli.serving.__file__).parent / "page"
INDEX = (PAGE / "index.html").read_text("utf-8")
MODULES = sorted((PAGE / "js").glob("*.js"))
SHEETS = sorted((PAGE / "css").glob("*.css"))
READABLE = 4.5
"""The contrast that WCAG 2 asks of text at level AA."""


def test_every_file_that_the_page_names_is_there():
    named = re.findall(r'(?:src|href)="page/([^"]+)"', INDEX)
    assert named
    assert [name for name in named if not (PAGE / name).is_file()] == []


def test_every_import_is_there_and_every_module_is_used():
    imports = {name for module in MODULES for name in re.findall(r'from "\./([^"]+)"', module.read_text("utf-8"))}
    assert imports <= {module.name for module in MODULES}
    assert {module.name for module in MODULES} - imports == {"main.js", "early-theme.js"}


def test_nothing_comes_from_elsewhere():
    texts = [path.read_text("utf-8") for path in (*MODULES, *SHEETS, PAGE / "index.html", PAGE / "icon.svg")]
    addresses = [address for text in texts for address in re.findall(r"""(?:https?:)?//[\w.]+\.[\w/]+""", text)]
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}
    assert not any("@import" in sheet or "url(" in sheet for sheet in (path.read_text("utf-8") for path in SHEETS))


def test_nothing_in_the_page_is_inline():
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", INDEX) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_module_never_reads_text_as_html_or_code(module):
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|setHTML|srcdoc"
    assert re.findall(forbidden, module.read_text("utf-8")) == []


def test_every_element_that_a_module_asks_for_is_there_once():
    ids = re.findall(r'\sid="([^"]+)"', INDEX)
    asked = {name for module in MODULES for name in re.findall(r'byId\("([^"]+)"\)', module.read_text("utf-8"))}
    assert len(ids) == len(set(ids))
    assert asked <= set(ids)


def test_a_label_or_a_description_points_at_something():
    ids = set(re.findall(r'\sid="([^"]+)"', INDEX))
    pointed = set(re.findall(r'\s(?:for|aria-labelledby|aria-describedby|aria-controls)="([^"]+)"', INDEX))
    assert pointed - ids == set()


@pytest.mark.parametrize("path", [*MODULES, *SHEETS], ids=lambda path: path.name)
def test_a_file_begins_with_what_it_is_and_is_short(path: Path):
    lines = path.read_text("utf-8").splitlines()
    assert lines[0].startswith(("// ", "/*"))
    assert len(lines) < 250


def test_the_settings_begin_as_generate_does():
    source = (PAGE / "js" / "settings.js").read_text("utf-8")
    begun = dict(re.findall(r"^  (\w+): \{.*?default: ([\d.]+),", source, re.DOTALL | re.MULTILINE))
    ours = SamplingOptions()
    assert {name: float(value) for name, value in begun.items() if name not in ("seed", "n")} == {
        "temperature": ours.temperature,
        "top_k": ours.top_k,
        "top_p": ours.top_p,
        "repetition_penalty": ours.repetition_penalty,
        "max_tokens": DEFAULT_NEW_TOKENS,
    }


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_is_readable_on_everything_that_it_stands_on(theme):
    base = {name: colours[theme] for name, colours in _colours((PAGE / "css" / "base.css").read_text("utf-8"))}
    tints = [colours[theme] for _, colours in _colours((PAGE / "css" / "tints.css").read_text("utf-8"))]
    grounds = (base["paper"], base["surface"], base["accent-soft"])
    pairs = [(base[ink], ground) for ink in ("ink", "soft", "accent") for ground in grounds]
    pairs += [(base["ink"], tint) for tint in tints]
    pairs += [(base["on-accent"], base["accent"]), (base["alarm"], base["alarm-soft"]), (base["alarm"], base["paper"])]
    assert len(tints) == 10
    assert [pair for pair in pairs if _contrast(*pair) < READABLE] == []


def _colours(sheet: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield each custom colour with its light and its dark value."""
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", sheet):
        yield name, (light, dark)


def _contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, as WCAG 2 defines it."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb, as WCAG 2 defines it."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
