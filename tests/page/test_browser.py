"""The browser that pages are tested with sees what goes wrong in them."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.browser import Visit

FAULTY = b"""<!doctype html><html><head><title>page</title><link rel="icon" href="data:,"></head><body>
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><script>
console.error("told"); setTimeout(() => { throw new Error("thrown"); });
fetch("http://127.0.0.2:9/away").catch(() => { document.title = "done"; });
</script></body></html>"""
SOUND = b"""<!doctype html><html lang="en"><head><title>page</title><link rel="icon" href="data:,"></head>
<body><main><h1>Hello</h1></main></body></html>"""


class Pages(BaseHTTPRequestHandler):
    """Answers with one of two pages."""

    def do_GET(self) -> None:
        """Send the page of this path."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(FAULTY if self.path == "/faulty" else SOUND)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as http.server calls it
        """Say nothing."""


@pytest.fixture
def origin() -> Iterator[str]:
    """Serve the two pages."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_nothing_is_noted_of_a_sound_page(visit: Visit, origin: str) -> None:
    visit.page.goto(f"{origin}/")
    assert visit.requests == [f"{origin}/", "data:,"] or visit.requests == [f"{origin}/"]
    assert (visit.errors, visit.requests_outside(origin), visit.faults()) == ([], [], [])


def test_errors_requests_outside_and_faults_of_a_page_are_noted(visit: Visit, origin: str) -> None:
    visit.page.goto(f"{origin}/faulty")
    visit.page.wait_for_function("document.title == 'done'")
    assert any("told" in error for error in visit.errors)
    assert any("thrown" in error for error in visit.errors)
    assert visit.requests_outside(origin) == ["http://127.0.0.2:9/away"]
    assert [fault.split()[0] for fault in visit.faults()] == ["html-has-lang", "image-alt"]
