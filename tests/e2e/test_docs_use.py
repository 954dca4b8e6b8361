"""The documentation used as a reader uses it: searched with the keyboard, and an endpoint tried until its picture is there."""

import pytest
from playwright.sync_api import expect
from tests.e2e.visit import PHONE_PX, Visit, Visits
from tests.integration.gateway.conftest import Installation

pytestmark = pytest.mark.e2e

PICTURE_PAGE = "/docs/kling-image-submit-image-generation"
CHAT_PAGE = "/docs/chatgpt-chat-create-chat-completion-streaming"
SHOWN = """async () => {
    const image = document.querySelector('dialog[open] .outputs img');
    await image.decode();
    return {width: image.naturalWidth, height: image.naturalHeight, origin: new URL(image.src).origin};
}"""
WITHIN = "async () => document.activeElement === document.body || document.activeElement.closest('dialog[open]') !== null"
FOCUSED = "async () => document.activeElement.id || document.activeElement.textContent.trim()"
PRESSES = 40
"""More than the dialog has places for the focus."""


def try_it(visit: Visit, key: str) -> None:
    visit.page.get_by_role("button", name="Try it").click()
    visit.page.get_by_label("API key").fill(key)
    visit.page.get_by_role("button", name="Send", exact=True).click()


@pytest.mark.parametrize("width_px", [1440, PHONE_PX])
def test_a_kling_picture_from_the_page_to_the_picture(installation: Installation, visits: Visits, width_px: int) -> None:
    visit = visits.go(PICTURE_PAGE, width_px=width_px)
    try_it(visit, installation.test_key)
    dialog = visit.page.get_by_role("dialog")
    expect(dialog.get_by_label("Progress of the task")).to_be_visible()
    expect(dialog.get_by_text("succeeded", exact=True)).to_be_visible()
    shown = visit.run(SHOWN)
    assert shown["width"] > 100
    assert shown["origin"] == installation.base_url
    expect(dialog.get_by_text('"task_id"').first).to_be_visible()
    assert visit.excess_px() <= 0


def test_a_stream_is_shown_while_it_comes(installation: Installation, visits: Visits) -> None:
    visit = visits.go(CHAT_PAGE)
    visit.page.get_by_role("button", name="Try it").click()
    dialog = visit.page.get_by_role("dialog")
    dialog.get_by_label("API key").fill(installation.test_key)
    body = dialog.get_by_label("Body (JSON)")
    body.fill('{"model": "gpt-4o-mini", "stream": true, "messages": [{"role": "user", "content": "Count to 20\\nmagic: slow"}]}')
    dialog.get_by_role("button", name="Send", exact=True).click()
    words = dialog.locator("p.words")
    expect(words).to_contain_text("1")
    assert not words.inner_text().endswith("20"), "it is shown as it comes"
    expect(dialog.get_by_role("button", name="Send", exact=True)).to_be_visible()
    expect(words).to_contain_text("20")
    expect(dialog.get_by_text("200 Success", exact=True)).to_be_visible()


def test_a_wrong_key_is_explained(visits: Visits) -> None:
    visit = visits.go(CHAT_PAGE)
    try_it(visit, "sk-test-nobody")
    dialog = visit.page.get_by_role("dialog")
    expect(dialog.get_by_role("note").or_(dialog.get_by_role("alert")).or_(dialog.locator(".note")).first).to_contain_text("API key")
    visit.expect("401")


def test_search_by_keyboard(visits: Visits) -> None:
    visit = visits.go("/docs")
    visit.page.keyboard.press("Control+k")
    box = visit.page.get_by_role("combobox", name="Search the documentation")
    expect(box).to_be_focused()
    box.press_sequentially("kling image")
    options = visit.page.get_by_role("option")
    expect(options.nth(1)).to_be_visible()
    expect(options.nth(0)).to_have_attribute("aria-selected", "true")
    visit.page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    wanted = options.nth(1).get_attribute("href") or ""
    assert "kling" in wanted
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url(f"**{wanted}")
    expect(visit.page.get_by_role("dialog")).to_have_count(0)
    visit.page.keyboard.press("/")
    expect(box).to_be_focused()
    visit.page.keyboard.press("Escape")
    expect(visit.page.get_by_role("dialog")).to_have_count(0)


def test_the_skip_link_leads_to_the_content(visits: Visits) -> None:
    visit = visits.go("/docs")
    visit.page.keyboard.press("Tab")
    skip = visit.page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    visit.page.keyboard.press("Enter")
    assert visit.run(FOCUSED) == "main"


def test_a_dialog_keeps_the_focus_and_gives_it_back(visits: Visits) -> None:
    visit = visits.go(CHAT_PAGE)
    opener = visit.page.get_by_role("button", name="Try it")
    opener.focus()
    visit.page.keyboard.press("Enter")
    expect(visit.page.get_by_label("API key")).to_be_visible()
    seen = set()
    for _ in range(PRESSES):
        visit.page.keyboard.press("Tab")
        assert visit.run(WITHIN), "the focus is on the page below the dialog"
        seen.add(visit.run(FOCUSED))
    assert len(seen) > 3
    visit.page.keyboard.press("Escape")
    expect(visit.page.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()


def test_light_and_dark_are_the_readers_choice(visits: Visits) -> None:
    visit = visits.go("/docs")
    ground = "async () => getComputedStyle(document.body).backgroundColor"
    light = visit.run(ground)
    visit.colour("dark")
    dark = visit.run(ground)
    assert dark != light
    switch = visit.page.get_by_role("button", name="Theme")
    switch.click()
    assert visit.run(ground) == light, "light, though the system is dark"
    visit.go("/docs")
    assert visit.run(ground) == light, "and still after loading the page anew"
    switch.click()
    visit.colour("light")
    assert visit.run(ground) == dark
