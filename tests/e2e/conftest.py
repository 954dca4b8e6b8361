"""A browser, a whole Modelgate, its own pages, and a page of somebody else's site."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from tests.e2e.people import Owner
from tests.e2e.visit import TIMEOUT_MS, Visit, Visits
from tests.integration.gateway.conftest import Installation
from tests.webhook_receiver import Receiver

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
EMPTY_PAGE = b"<!doctype html><meta charset=utf-8><title>A site of its own</title><img id=picture>"


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """A server of a caller's, which hears of tasks."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Installation]:
    running = Installation(tmp_path_factory.mktemp("installation") / "data", "--webhook-origins", receiver.origin)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if shutil.which(CHROMIUM) is None:
        pytest.fail(f"{CHROMIUM} is missing: apt-get install -y chromium", pytrace=False)
    expect.set_options(timeout=TIMEOUT_MS)  # of itself it waits 5 s, as pages do not
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))
        yield opened
        opened.close()


class _Site(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        found = self.path == "/"
        self.send_response(200 if found else 204)
        if found:
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(EMPTY_PAGE)))
        self.end_headers()
        if found:
            self.wfile.write(EMPTY_PAGE)

    def log_message(self, format: str, *args: Any) -> None:
        del format, args


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The address of an empty page on another origin than the gateway's."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Visit]:
    context = browser.new_context()
    page = context.new_page()
    made = Visit(page)
    page.goto(site)
    yield made
    context.close()


@pytest.fixture(scope="session")
def owner(installation: Installation) -> Owner:
    """Who has set up the installation."""
    return Owner(installation)


@pytest.fixture
def visits(browser: Browser, installation: Installation) -> Iterator[Visits]:
    """Pages of the installation: whatever a test does there, there is nothing in the console and no request to anybody else."""
    opened = Visits(browser, installation.base_url)
    yield opened
    assert opened.end() == []
