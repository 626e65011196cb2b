"""Draw the pictures of docs/playground.md anew: gptcli serve -m builtin & python docs/draw_playground.py."""

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ADDRESS = "http://127.0.0.1:8000/"
IMAGES = Path(__file__).parent / "images"
BEGINNING = "Once upon a time there was a little"
COLOURS = 256
SETTINGS = {"temperature": "0.8", "top-p": "0.8", "max-tokens": "30"}
CHOSEN = 13
"""The token that is looked at inside."""


def main() -> None:
    """Go through the page as a person does, and take a picture of each part."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = opened(browser, 1200, 960)
        write(page)
        take(page, "light")
        link = page.url
        take(opened(browser, 1200, 960, link=link, colours="dark"), "dark")
        take(opened(browser, 360, 780, link=link, scale=2), "phone")
        draw_alternatives(page)
        draw_inside(page)
        draw_classify(page)
        browser.close()


def opened(
    browser: Browser, width: int, height: int, *, link: str = ADDRESS, colours: str = "light", scale: int = 1
) -> Page:
    """Return the page of somebody who has read the first steps."""
    page = browser.new_page(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        color_scheme="dark" if colours == "dark" else "light",
        reduced_motion="reduce",
    )
    page.add_init_script("localStorage.setItem('gptcli-hints', 'read')")
    page.goto(link)
    page.wait_for_selector("html[data-ready]")
    return page


def write(page: Page) -> None:
    """Take some tokens and write on from one of them three times."""
    for name, value in SETTINGS.items():
        page.fill(f"#setting-{name}-number", value)
    page.fill("#text", BEGINNING)
    for token in ("boy", "who"):
        choose(page, token)
    for _ in ("who", "boy"):
        page.click("#back")
    choose(page, "girl")
    page.click("#continue")
    for _ in range(2):
        page.click("#retry:not([disabled])")
    page.wait_for_selector("#retry:not([disabled])")


def choose(page: Page, token: str) -> None:
    """Take one of the next tokens."""
    page.wait_for_selector("#next[aria-busy=false]")
    page.get_by_role("button", name=f"{token}: probability").click()


def draw_alternatives(page: Page) -> None:
    """Write three continuations side by side, and take one that goes on well."""
    page.fill("#setting-n-number", "3")
    page.click("#continue")
    page.wait_for_selector("#cards button:not([disabled])")
    take(page, "alternatives")
    page.locator("#cards button").last.click()


def draw_inside(page: Page) -> None:
    """Look at one token in the three views."""
    page.click("#tab-inside")
    page.locator("#tokens [data-index]").nth(CHOSEN).click()
    for view, name, height, shown in (
        ("Surprise", "inside", 640, "#details .alternatives"),
        ("Attention", "attention", 760, "#strongest li"),
        ("Layers", "layers", 1060, "#lens tbody tr"),
    ):
        page.set_viewport_size({"width": 1200, "height": height})
        page.get_by_role("radio", name=view).check()
        if view == "Attention":
            page.locator("#layer").fill("2")
            page.locator("#head").fill("1")
        page.locator(shown).last.wait_for()
        take(page, name)


def draw_classify(page: Page) -> None:
    """Label two texts in words."""
    page.set_viewport_size({"width": 1200, "height": 700})
    page.click("#tab-classify")
    page.fill("#inputs", "They laughed and danced all day.\nHe lost his dog and cried.")
    page.fill("#labels", "happy, sad")
    page.click("#classify")
    page.wait_for_selector("#verdicts .bar")
    take(page, "classify")


def take(page: Page, name: str) -> None:
    """Save what can be seen of the page, in few colours, once nothing is awaited any more."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)  # questions wait for a pause, and so does the address
    page.evaluate("document.activeElement.blur(), scrollTo(0, 0)")
    page.mouse.move(0, 0)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    few = picture.quantize(COLOURS, kmeans=2, dither=Image.Dither.NONE)
    few.save(IMAGES / f"playground-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
