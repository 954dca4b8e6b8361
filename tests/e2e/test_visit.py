"""The watch that every walk relies on sees what it is there to see."""

import pytest
from tests.e2e.visit import Visits

pytestmark = pytest.mark.e2e

REACH = "async address => { await fetch(address).catch(() => null) }"
INLINE = """async () => {
    const made = document.createElement('script');
    made.textContent = 'window.wasRun = true';
    document.body.append(made);
    return window.wasRun === true;
}"""
STYLED = "async () => { document.querySelector('h1').insertAdjacentHTML('beforeend', '<b style=\"color: red\">!</b>') }"
PICTURE = "async address => { const image = new Image(); image.src = address; await image.decode().catch(() => null) }"
LATER = "async () => { setTimeout(() => { throw new Error('thrown in a page') }); await new Promise(later => setTimeout(later, 50)) }"


def test_code_and_style_within_a_page_do_not_run_and_are_told(visits: Visits) -> None:
    visit = visits.go("/docs")
    assert visit.run(INLINE) is False
    visit.run(STYLED)
    visit.expect("against the policy: script-src", "inline script violates", "against the policy: style-src", "inline style violates")


def test_other_hosts_are_out_of_reach_and_are_told(visits: Visits) -> None:
    visit = visits.go("/docs")
    visit.run(REACH, "https://other.example/")
    visit.run(PICTURE, "https://other.example/picture.png")
    visit.expect("against the policy: connect-src https://other.example", "against the policy: img-src https://other.example")
    visit.expect("Connecting to 'https://other.example/' violates", "Loading the image 'https://other.example/picture.png' violates")
    visit.expect("Refused to connect", "a request to another host: https://other.example/picture.png")


def test_errors_are_told(visits: Visits) -> None:
    visit = visits.go("/docs")
    visit.run(LATER)
    visit.expect("/docs: thrown in a page")
    visit.run(REACH, "/docs/data/pages/no-such-page.json")
    visit.expect("404")
