"""The page in a real browser: what people see, at both widths, in both schemes, with nothing loaded and nothing run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from readiness.reports import html
from readiness.reports.html.view import anchor_of
from readiness.reports.json import document
from tests.reports import samples
from tests.reports.browser import Browser

pytestmark = pytest.mark.slow

HEADLINES = {
    "go": "GO",
    "no-go": "NO-GO",
    "partial": "GO",
    "incomplete": "NO-GO (incomplete)",
    "nothing-judged": "NO-GO (incomplete)",
    "hostile": "NO-GO",
    "large": "NO-GO",
    "many-findings": "NO-GO",
}
OVERFLOW = "Math.max(...[...document.querySelectorAll('body *:not(.unseen)')].map(e => e.getBoundingClientRect().right)) - innerWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this file."""
    with Browser() as started:
        yield started


def written(folder: Path, name: str) -> str:
    path = folder / "report.html"
    path.write_bytes(html.render(document(samples.SAMPLES[name]())))
    return path.as_uri()


@pytest.mark.parametrize("name", HEADLINES)
@pytest.mark.parametrize("width", [1280, 390])
def test_page_is_read_at_a_glance(browser: Browser, tmp_path: Path, name: str, width: int) -> None:
    """The decision is the heading, nothing sticks out to the side, nothing is complained of, nothing is asked for."""
    url = written(tmp_path, name)
    page = browser.open(url, width=width)
    assert page.evaluate("document.querySelector('h1').innerText") == HEADLINES[name]
    assert page.evaluate("document.title").startswith(HEADLINES[name])
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERFLOW) <= 0
    assert page.complaints == []
    assert page.requests == [url]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_colours_follow_the_scheme(browser: Browser, tmp_path: Path, dark: bool) -> None:
    """Whoever reads in the dark is not blinded; the style is applied, so its hash is right."""
    page = browser.open(written(tmp_path, "no-go"), dark=dark)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(18, 21, 26)" if dark else "rgb(245, 246, 248)")


@pytest.mark.parametrize(("name", "height"), [("go", 800), ("no-go", 800), ("large", 800)])
def test_what_matters_is_above_the_fold(browser: Browser, tmp_path: Path, name: str, height: int) -> None:
    """Decision, what is released, why, and the first blockers or gates need no scrolling at 1280 by 800."""
    page = browser.open(written(tmp_path, name), height=height)
    for selector in ("h1", ".why", ".facts", ".blockers li:nth-child(3), .gates tbody tr:nth-child(3)"):
        assert page.evaluate(f"document.querySelector('{selector}').getBoundingClientRect().bottom") < height


def test_page_works_without_script(browser: Browser, tmp_path: Path) -> None:
    """Evidence opens by itself where a link leads to it, with scripts switched off."""
    url = f"{written(tmp_path, 'no-go')}#{anchor_of('security-scan/dependencies')}"
    page = browser.open(url, scripts=False)
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    names = [node.get("name", {}).get("value", "") for node in tree if not node.get("ignored")]
    assert any("pillow 10.1.0 reads outside a buffer" in name for name in names)
    assert not any("5 placeholders are left in examples" in name for name in names), "that one was not asked for"


def test_no_request_reaches_a_server(browser: Browser, tmp_path: Path) -> None:
    """Served over HTTP the page asks for itself and nothing more, not even for an icon."""
    asked: list[str] = []
    content = html.render(document(samples.hostile()))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        page = browser.open(f"http://127.0.0.1:{server.server_port}/report.html")
        # The icon is fetched, if at all, after the page: a second page is the sign that the browser had the time.
        browser.open(f"http://127.0.0.1:{server.server_port}/second.html")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert asked == ["/report.html", "/second.html"]
    assert page.complaints == []


def test_policy_stops_what_gets_in(browser: Browser, tmp_path: Path) -> None:
    """Were there a hole in the escaping, the browser would still run nothing and load nothing; and these tests would see it."""
    path = tmp_path / "report.html"
    hole = b"<script>document.title='run'</script><img src=http://127.0.0.1:9/x.png></main>"
    path.write_bytes(html.render(document(samples.go())).replace(b"</main>", hole))
    page = browser.open(path.as_uri())
    assert page.evaluate("document.title").startswith("GO")
    assert any("script-src" in complaint for complaint in page.complaints)
    assert any("img-src" in complaint for complaint in page.complaints)


def test_page_can_be_printed(browser: Browser, tmp_path: Path) -> None:
    """A report of 300 checks fits on few sheets."""
    pdf = browser.open(written(tmp_path, "large")).pdf()
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") <= 16


def test_everything_is_reached_with_the_keyboard(browser: Browser, tmp_path: Path) -> None:
    """Each link and each row of evidence takes the focus, in the order of the page."""
    page = browser.open(written(tmp_path, "no-go"))
    stops = page.evaluate("[...document.querySelectorAll('a, summary')].every(each => each.tabIndex === 0)")
    assert stops is True
    assert page.evaluate("document.querySelectorAll('[tabindex]').length") == 0
