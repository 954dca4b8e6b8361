"""The accessibility checker finds nothing serious, light and dark, on a desk and on a phone; nothing is wider than a phone either."""

import time
from typing import Any

import pytest
from tests.e2e.axe import COLOURS, grave_findings
from tests.e2e.people import Owner
from tests.e2e.visit import PHONE_PX, Visit, Visits
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.plain_http import send

pytestmark = pytest.mark.e2e

DOCS = (
    "/docs",
    "/docs/chatgpt-chat-create-chat-completion-streaming",
    "/docs/kling-image-submit-image-generation",
    "/docs/chatgpt-chat-chat-completion-object",
    "/docs/quick-start-guide",
    "/docs/python-streaming-output",
    "/docs/models",
    "/docs/errors",
)
ENTRY = ("/console/sign-in", "/console/sign-up", "/console/join", "/console/join#token=abc", "/console/setup")
CONSOLE = (
    "/console",
    "/console/playground",
    "/console/playground?mode=media",
    "/console/keys",
    "/console/logs",
    "/console/tasks",
    "/console/models",
    "/console/wallet",
    "/console/upstreams",
    "/console/accounts",
    "/console/members",
    "/console/settings",
    "/console/profile",
)
SETTLED_S = 60.0
UNREACHABLE = "async () => [...document.querySelectorAll('a:not([href])')].map(link => `not reached by the keyboard: ${link.outerHTML}`)"
FAULTS = """async () => document.querySelector('main').insertAdjacentHTML('beforeend',
    '<button class=fault></button><p class=faint-fault>Words that nobody can read</p><div class=wide-fault>.</div>')"""
FAULTY = ".faint-fault { color: #999; background: #aaa } .wide-fault { width: 2000px }"


def findings(visit: Visit) -> list[str]:
    """Look at a page as it is on a desk and on a phone; colours at night too."""
    found = grave_findings(visit.page)
    visit.colour("dark")
    found += [f"dark: {finding}" for finding in grave_findings(visit.page, *COLOURS)]
    visit.resize(PHONE_PX)
    found += [f"phone, dark: {finding}" for finding in grave_findings(visit.page, *COLOURS)]
    visit.colour("light")
    found += [f"phone: {finding}" for finding in grave_findings(visit.page)]
    found += visit.run(UNREACHABLE)
    if visit.excess_px() > 0:
        found.append(f"phone: {visit.excess_px()} px wider than the window")
    return found


@pytest.fixture(scope="module")
def used(installation: Installation, owner: Owner) -> dict[str, Any]:
    """What the console has to show: a call and a picture; return their rows by their kind, and what was made."""
    base = installation.base_url
    question = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}
    assert send(f"{base}/v1/chat/completions", key=installation.test_key, body=question, method="POST").status == 200
    picture = {"prompt": "a lighthouse", "aspect_ratio": "1:1"}
    taken = send(f"{base}/kling/v1/images/generations", key=installation.test_key, body=picture, method="POST")
    until = time.monotonic() + SETTLED_S
    while time.monotonic() < until:
        rows = {row["kind"]: row for row in reversed(owner.ask("GET", "/api/requests?book=test")["data"])}
        tasks = {task["id"]: task for task in owner.ask("GET", "/api/tasks?book=test")["data"]}
        if len(rows) == 2 and tasks[taken.body["data"]["task_id"]]["state"] == "succeeded":
            return {**rows, "made": tasks[taken.body["data"]["task_id"]]}
        time.sleep(0.2)
    raise AssertionError(f"not in the log: {rows}, {tasks}")


def test_the_checker_finds_what_is_wrong(visits: Visits) -> None:
    visit = visits.go("/docs/errors")
    visit.run(FAULTS)
    visit.page.evaluate(
        "css => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css); document.adoptedStyleSheets = [sheet] }", FAULTY
    )
    found = findings(visit)
    assert {finding.split(" (")[0] for finding in found if "fault" in finding} == {
        "button-name",
        "color-contrast",
        "dark: color-contrast",
        "phone, dark: color-contrast",
        "phone: button-name",
        "phone: color-contrast",
    }
    assert any("wider than the window" in finding for finding in found)


@pytest.mark.parametrize("path", DOCS)
def test_documentation(visits: Visits, path: str) -> None:
    visit = visits.go(path)
    assert findings(visit) == []


def test_search_and_the_drawer_of_pages(visits: Visits) -> None:
    visit = visits.go("/docs")
    visit.page.keyboard.press("Control+k")
    visit.page.keyboard.type("kling")
    visit.page.get_by_role("option").first.wait_for()
    assert findings(visit) == []
    visit.page.keyboard.press("Escape")
    visit.page.get_by_role("button", name="Pages", exact=True).click()
    visit.page.get_by_role("dialog").get_by_role("navigation").wait_for()
    assert grave_findings(visit.page) == []


def test_trying_an_endpoint(visits: Visits) -> None:
    visit = visits.go("/docs/kling-image-submit-image-generation")
    visit.page.get_by_role("button", name="Try it").click()
    visit.page.get_by_role("dialog").get_by_label("API key").wait_for()
    assert findings(visit) == []


@pytest.mark.parametrize("path", ENTRY)
def test_console_of_somebody_who_is_not_signed_in(owner: Owner, visits: Visits, path: str) -> None:
    assert owner.session
    assert findings(visits.go(path)) == []


@pytest.mark.parametrize("path", CONSOLE)
@pytest.mark.parametrize("book", ["test", "live"])
def test_console(owner: Owner, used: dict[str, Any], visits: Visits, path: str, book: str) -> None:
    assert used
    visit = visits.start(session=owner.session, book=book).go(path)
    assert visit.page.url == visits.home + path, "an owner may see every page"
    assert findings(visit) == []


@pytest.mark.parametrize("kind", ["request", "task"])
def test_an_explained_call(owner: Owner, used: dict[str, Any], visits: Visits, kind: str) -> None:
    visit = visits.start(session=owner.session, book="test").go(f"/console/logs/{used[kind]['request_id']}")
    visit.page.get_by_role("dialog").get_by_role("heading", name="Why this price").wait_for()
    assert findings(visit) == []


def test_a_task(owner: Owner, used: dict[str, Any], visits: Visits) -> None:
    visit = visits.start(session=owner.session, book="test").go(f"/console/tasks/{used['made']['id']}")
    visit.page.get_by_role("dialog").get_by_role("img").first.wait_for()
    assert findings(visit) == []


def test_making_a_key(owner: Owner, visits: Visits) -> None:
    visit = visits.start(session=owner.session, book="test").go("/console/keys")
    visit.page.get_by_role("button", name="Create a key").first.click()
    visit.page.get_by_role("dialog").get_by_label("Name").wait_for()
    visit.page.get_by_text("Expiry, models, addresses and rates").click()
    assert findings(visit) == []
