"""The console from its first visit on: an owner, a chat, a key that reaches its limit, and why a call went where and cost what."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.e2e.people import EMAIL, PASSWORD, Owner
from tests.e2e.visit import Visit, Visits
from tests.integration.gateway.conftest import Installation, record_of
from tests.integration.gateway.plain_http import send

pytestmark = pytest.mark.e2e

CENTS = re.compile(r"\$([\d.]+)")
WRITTEN_S = 60.0
MAX_CALLS = 20
"""Far more than the limit pays for."""


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Installation]:
    """An installation that nobody has visited yet."""
    running = Installation(tmp_path / "data")
    yield running
    assert running.stop() == 0


def test_first_visit_to_first_chat(fresh: Installation, browser: Browser) -> None:
    visits = Visits(browser, fresh.base_url)
    expect(visits.go("/console").page.get_by_role("heading", level=1)).to_have_text("Set up Modelgate")
    link = fresh.console_url  # as the first start prints it
    assert link.startswith(f"{fresh.base_url}/console/setup#token=")
    page = visits.go(link.removeprefix(fresh.base_url)).page
    assert "token" not in page.url, "the link works once: it is not kept in the history"
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the owner").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.get_by_role("link", name="Open the playground").click()
    page.get_by_label("Message").fill("Say: good morning")
    page.keyboard.press("Enter")
    answer = page.get_by_role("article", name="Model")
    expect(answer).to_contain_text("good morning")
    explain = answer.get_by_role("link", name="Explain")
    record_of(fresh, str(explain.get_attribute("href")).rpartition("/")[2])  # the page asks for it once
    explain.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("heading", name="Why this price")).to_be_visible()
    expect(drawer.get_by_text("streamed")).to_be_visible()
    drawer.get_by_role("button", name="Close").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Logs")
    expect(page.get_by_role("row").nth(1)).to_contain_text("playground")
    assert visits.end() == []


def test_signing_out_and_in_again(owner: Owner, visits: Visits) -> None:
    assert owner.session
    visit = visits.go("/console/keys")
    page = visit.page
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("form")).to_contain_text("password")
    visit.expect("401")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Keys")
    page.get_by_role("button", name="Ada").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_key_with_a_limit(installation: Installation, owner: Owner, visits: Visits) -> None:
    visit = visits.start(session=owner.session, book="test").go("/console/keys")
    page = visit.page
    page.get_by_role("button", name="Create a key").first.click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("a small one")
    form.get_by_label("Spending limit (USD)").fill("0.012")
    form.get_by_role("button", name="Create the key").click()
    shown = page.get_by_role("dialog").filter(has_text="The secret of a small one")
    secret = re.search(r"sk-test-\w+", shown.inner_text())
    assert secret is not None
    page.keyboard.press("Escape")
    expect(shown).to_be_visible()
    shown.get_by_role("button", name="I have stored it").click()
    assert page.get_by_text(secret[0]).count() == 0, "it is shown once"
    statuses = [use(installation, secret[0]).status for _ in range(MAX_CALLS)]
    assert statuses[0] == 200
    assert statuses[-1] == 403, "as Kling refuses what is not paid for"
    visit.go("/console/keys")
    row = page.get_by_role("row").filter(has_text="a small one")
    expect(row).to_contain_text("of $0.012")
    assert "Why: " in refused_call(visit, owner)


def refused_call(visit: Visit, owner: Owner) -> str:
    """Return what the console says of the newest call that was refused; it is written down within moments."""
    until = time.monotonic() + WRITTEN_S
    while not (rows := owner.ask("GET", "/api/requests?book=test&status=refused")["data"]) and time.monotonic() < until:
        time.sleep(0.2)
    assert rows[0]["model"] == "kling-v1"
    page = visit.go(f"/console/logs/{rows[0]['request_id']}").page
    drawer = page.get_by_role("dialog", name="Refused request")
    expect(drawer).to_contain_text("How to mend it: ")
    return drawer.inner_text()


def use(installation: Installation, secret: str) -> Any:
    picture = {"prompt": "a lighthouse", "aspect_ratio": "1:1"}
    return send(f"{installation.base_url}/kling/v1/images/generations", key=secret, body=picture, method="POST")


def test_why_it_went_there_and_cost_that(installation: Installation, owner: Owner, visits: Visits) -> None:
    question = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Explain this one"}]}
    answer = send(f"{installation.base_url}/v1/chat/completions", key=installation.test_key, body=question, method="POST")
    request_id = str(answer.headers["x-request-id"])
    record_of(installation, request_id)  # the page asks for it once
    visit = visits.start(session=owner.session, book="test").go("/console/logs")
    page = visit.page
    page.get_by_label("Request id").fill(request_id)
    page.keyboard.press("Enter")
    page.get_by_role("link").filter(has=page.locator("time")).first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text(request_id)
    section = drawer.locator("section").filter(has_text="Why this route")
    expect(section.get_by_role("listitem").first).to_contain_text("answered")
    assert sum_of_parts(drawer.locator("table").first) == owner.ask("GET", f"/api/requests/{request_id}")["amount_nanos"]


def sum_of_parts(table: Any) -> int:
    """Add up the last column of the parts; it must be what stands below them. In nano-USD."""
    amounts = [
        round(float(CENTS.search(text)[1]) * 1e9) for text in table.locator("tr > td:last-child").all_inner_texts() if CENTS.search(text)
    ]
    *parts, charged = amounts
    assert sum(parts) == charged
    assert len(parts) >= 2
    return int(charged)
