"""The accessibility checker axe, run in a page."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

SOURCE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")
COLOURS = ("color-contrast", "link-in-text-block")
CHECK = """async rules => {
    const only = rules.length ? {runOnly: {type: 'rule', values: rules}} : {};
    const found = await axe.run(document, {resultTypes: ['violations'], ...only});
    return found.violations.map(({id, impact, nodes}) => ({id, impact, places: nodes.map(node => ({html: node.html, why: node.failureSummary}))}));
}"""


@cache
def source() -> str:
    """Return the checker's code, which comes with the packages that web/ is built with."""
    if not SOURCE.is_file():
        pytest.fail("web/node_modules has no axe-core: python hatch_build.py check (which make check runs) installs it", pytrace=False)
    return SOURCE.read_text(encoding="utf-8")


def grave_findings(page: Page, *rules: str) -> list[str]:
    """Return what keeps people from using the page as it is now, one line each; by all rules, or by some."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(source())
    found: list[dict[str, Any]] = page.evaluate(CHECK, list(rules))
    return [
        f"{one['id']} ({one['impact']}): {place['html']}: {' '.join(place['why'].split())}"
        for one in found
        if one["impact"] in GRAVE
        for place in one["places"]
    ]
