"""Every page of the documentation, as a reader on a phone goes through it: nothing in the console, nothing dead, nothing cut off."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser
from tests.e2e import axe
from tests.e2e.visit import PHONE_PX, Visits
from tests.integration.gateway.conftest import Installation

pytestmark = pytest.mark.e2e

READ_ON = """async () => {
    const pages = [];
    const until = async (isTrue, what) => {
        for (let waited = 0; !isTrue(); waited += 10) {
            if (waited > 60_000) throw new Error(`no ${what}`);
            await new Promise(later => setTimeout(later, 10));
        }
    };
    for (;;) {
        const slug = location.pathname.replace('/docs/', '');
        await until(() => document.querySelector(`main a[href="/docs/${slug}.md"]`), slug);
        for (const folded of document.querySelectorAll('main details')) folded.open = true;
        const links = [...document.querySelectorAll('a[href]')].map(link => link.getAttribute('href'));
        const ids = [...document.querySelectorAll('[id]')].map(element => element.id);
        pages.push({
            slug,
            title: document.title,
            headings: [...document.querySelectorAll('h1')].map(heading => heading.textContent),
            links: [...new Set(links)],
            anchors: [...new Set(ids)],
            twice: [...new Set(ids.filter((id, index) => ids.indexOf(id) !== index))],
            excess_px: document.scrollingElement.scrollWidth - innerWidth,
            grave: (await axe.run('main', {resultTypes: ['violations']})).violations
                .filter(({impact}) => impact === 'serious' || impact === 'critical')
                .map(({id, nodes}) => `${id}: ${nodes[0].html}`),
        });
        const next = document.querySelector('a[rel=next]');
        if (!next) return pages;
        next.click();
        await until(() => !location.pathname.endsWith(`/${slug}`), `page after ${slug}`);
    }
}"""
"""Follow "Next" from page to page to the last one, with everything unfolded; return what each page holds."""
PLACE = "async id => { const box = document.getElementById(id).getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight }"


@dataclass
class Walked:
    pages: list[dict[str, Any]]
    slugs: list[str]
    """Those of the navigation, in its order."""
    complaints: list[str]


@pytest.fixture(scope="module")
def walked(installation: Installation, browser: Browser) -> Walked:
    with urllib.request.urlopen(f"{installation.base_url}/docs/data/site.json") as answer:
        slugs = slugs_of(json.load(answer)["navigation"])
    visits = Visits(browser, installation.base_url)
    visit = visits.go(f"/docs/{slugs[0]}", width_px=PHONE_PX)
    visit.page.evaluate(axe.source())
    pages = visit.run(READ_ON)
    return Walked(pages, slugs, visits.end())


def slugs_of(items: list[dict[str, Any]]) -> list[str]:
    return [slug for item in items for slug in ([item["slug"]] if item["slug"] else []) + slugs_of(item["children"])]


def test_next_leads_through_every_page_in_the_order_of_the_navigation(walked: Walked) -> None:
    assert len(walked.slugs) > 200
    assert [page["slug"] for page in walked.pages] == walked.slugs


def test_no_page_has_anything_in_the_console(walked: Walked) -> None:
    assert walked.complaints == []


def test_every_page_has_one_heading_which_names_the_window(walked: Walked) -> None:
    wrong = [page["slug"] for page in walked.pages if [page["title"]] != [f"{heading} · Modelgate" for heading in page["headings"]]]
    assert wrong == []


def test_no_id_is_there_twice(walked: Walked) -> None:
    assert {page["slug"]: page["twice"] for page in walked.pages if page["twice"]} == {}


def test_nothing_keeps_anybody_from_using_a_page(walked: Walked) -> None:
    """By the accessibility checker: no serious and no critical finding."""
    assert {page["slug"]: page["grave"] for page in walked.pages if page["grave"]} == {}


def test_nothing_is_wider_than_a_phone(walked: Walked) -> None:
    assert {page["slug"]: page["excess_px"] for page in walked.pages if page["excess_px"] > 0} == {}


def test_every_link_leads_somewhere(walked: Walked, installation: Installation, visits: Visits) -> None:
    anchors = {f"/docs/{page['slug']}": set(page["anchors"]) for page in walked.pages}
    anchors["/docs"] = set(walked.pages[0]["anchors"])
    dead, files, screens = [], set(), set()
    for page in walked.pages:
        for link in page["links"]:
            path, _, anchor = link.removeprefix(installation.base_url).partition("#")
            path = path or f"/docs/{page['slug']}"
            if path in anchors:
                dead += [f"{page['slug']}: {link}"] if anchor and anchor not in anchors[path] else []
            elif path.startswith("/console"):
                screens.add(path)
            elif path.startswith("/") and path != "/":
                files.add(path)
            elif not path.startswith("https://") and link != "/":
                dead.append(f"{page['slug']}: {link}")
    dead += [path for path in sorted(files) if status_of(installation.base_url + path) != 200]
    assert dead == []
    assert len(files) >= len(walked.slugs), "each page is there as Markdown too"
    for path in sorted(screens):
        assert visits.go(path).page.get_by_role("heading", name="There is no such page").count() == 0, path


def status_of(address: str) -> int:
    try:
        with urllib.request.urlopen(address) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_an_address_with_an_anchor_shows_its_place(visits: Visits) -> None:
    visit = visits.go("/docs/chatgpt-chat-create-chat-completion-streaming#errors")
    visit.page.locator("#errors").wait_for()
    visit.page.wait_for_function("() => scrollY > 0")
    assert visit.run(PLACE, "errors")


def test_a_page_that_is_not_there_says_so(visits: Visits) -> None:
    visit = visits.start()
    answer = visit.page.goto(f"{visits.home}/docs/no-such-page")
    assert answer is not None
    assert answer.status == 404
    visit.page.get_by_role("heading", level=1, name="There is no such page").wait_for()
    assert visit.page.title() == "Page not found · Modelgate"
    visit.expect("/docs/no-such-page", "/docs/data/pages/no-such-page.json")
