"""A page in the browser, and everything that goes wrong on it."""

import re
import time
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

TIMEOUT_MS = 60_000
EXPECTED_S = 60.0
"""The browser tells of what it refused a little later."""
DESKTOP_PX = 1440
PHONE_PX = 390
HEIGHT_PX = 900
VIOLATIONS = """addEventListener('securitypolicyviolation',
    event => console.error(`against the policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`))"""
"""Chromium says it in the console for most of them; this is every one, with its directive first."""


NOT_WRITTEN_YET = re.compile(r"/console/playground: Failed to load resource: .* status of 404 .*/api/requests/req_\w+\)")
"""The playground asks for its call some tenths of a second after the answer, and again if the book has not got so far."""
DRAWN = "async () => { for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame) }"
FOLLOWED = """async scheme => {
    const followed = matchMedia(`(prefers-color-scheme: ${scheme})`);
    if (!followed.matches) await new Promise(later => followed.addEventListener('change', later, {once: true}));
    for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
    await Promise.allSettled(document.getAnimations().filter(({effect}) => effect.getTiming().iterations !== Infinity).map(({finished}) => finished));
}"""


class Visit:
    """A page, and every complaint about it: errors, warnings and, on a page of ours, requests that go anywhere else (`home` is our origin)."""

    def __init__(self, page: Page, *, home: str = "") -> None:
        self.page = page
        self.home = home
        self.complaints: list[str] = []
        page.set_default_timeout(TIMEOUT_MS)
        page.on("console", self._read)
        page.on("pageerror", lambda error: self._complain(str(error)))
        if home:
            page.on("request", self._look)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run an async JavaScript function in the page; return what it returns."""
        return self.page.evaluate(f"([...given]) => ({script})(...given)", list(arguments))

    def go(self, path: str) -> Self:
        """Open a page of ours and wait until it has drawn its heading and has nothing under way."""
        self.page.goto(self.home + path, wait_until="domcontentloaded")
        return self.settle()

    def settle(self) -> Self:
        """Wait until the page has its heading, and what it asked for has come."""
        self.page.locator("h1:not(.unseen)").first.wait_for(state="attached")
        self.page.locator("[aria-busy=true]").first.wait_for(state="detached")
        return self

    def colour(self, scheme: Literal["light", "dark"]) -> None:
        """Make it day or night, and wait until the page has followed."""
        self.page.emulate_media(color_scheme=scheme)
        self.run(FOLLOWED, scheme)

    def resize(self, width_px: int) -> None:
        """Make the window wider or narrower, and wait until the page has followed."""
        self.page.set_viewport_size({"width": width_px, "height": HEIGHT_PX})
        self.run(DRAWN)

    def excess_px(self) -> int:
        """Return by how much the page is wider than its window: above 0 it scrolls sideways."""
        return int(self.page.evaluate("() => document.scrollingElement.scrollWidth - innerWidth"))

    def expect(self, *words: str) -> None:
        """Forget the complaints that a walk has to cause, one for each; fails when one of them is missing."""
        for word in words:
            until = time.monotonic() + EXPECTED_S
            while not (found := [complaint for complaint in self.complaints if word in complaint]):
                assert time.monotonic() < until, f"no complaint about {word}: {self.complaints}"
                self.page.wait_for_timeout(20)
            self.complaints.remove(found[0])

    def _read(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complain(f"{message.text} ({message.location.get('url', '')})" if self.home else message.text)

    def _look(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and f"{address.scheme}://{address.netloc}" != self.home:
            self._complain(f"a request to another host: {request.url}")

    def _complain(self, what: str) -> None:
        complaint = f"{urlsplit(self.page.url).path}: {what}" if self.home else what
        if not NOT_WRITTEN_YET.fullmatch(complaint):
            self.complaints.append(complaint)


class Visits:
    """Opens pages of one installation, each with a profile of its own; at the end none of them may have complained."""

    def __init__(self, browser: Browser, home: str) -> None:
        self.home = home
        self._browser = browser
        self._open: list[tuple[BrowserContext, Visit]] = []

    def start(self, *, width_px: int = DESKTOP_PX, session: str = "", book: str = "") -> Visit:
        """Return an empty page. `session` is the cookie of a member who is signed in, `book` what their console shows first."""
        context = self._browser.new_context(
            viewport={"width": width_px, "height": HEIGHT_PX},
            reduced_motion="reduce",
            color_scheme="light",
        )
        context.add_init_script(VIOLATIONS)
        if book:
            context.add_init_script(f"localStorage.getItem('modelgate-book') ?? localStorage.setItem('modelgate-book', '{book}')")
        if session:
            name, _, value = session.partition("=")
            context.add_cookies([{"name": name, "value": value, "url": self.home}])
        visit = Visit(context.new_page(), home=self.home)
        self._open.append((context, visit))
        return visit

    def go(self, path: str, *, width_px: int = DESKTOP_PX) -> Visit:
        """Return a page at a path, of somebody who is not signed in."""
        return self.start(width_px=width_px).go(path)

    def end(self) -> list[str]:
        """Close everything; return what went wrong in all of it."""
        for context, _ in self._open:
            context.close()
        return [complaint for _, visit in self._open for complaint in visit.complaints]
