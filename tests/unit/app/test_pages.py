"""The site over HTTP: documents with tags, HTML under a strict policy, and what stands there before it is built."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from modelgate.app.later import Later
from modelgate.app.pages import Pages, served_models
from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.errors import UnknownPath
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.records import Credential, PriceRow, Snapshot, Upstream
from modelgate.gateway.configuration import Configuration
from modelgate.metering.price_list import read_shipped_prices
from modelgate.portal.navigation import Rest
from modelgate.portal.pages import ListedModels
from modelgate.portal.site import Site
from modelgate.portal.web_files import WebFiles
from modelgate.providers import load_providers

PING = Endpoint(
    method="GET",
    path="/ping",
    name="ping",
    family="x",
    home="desk",
    summary="Ping",
    description="x",
    cases=(Case(name="a", title="A", prose="A.", response={}),),
)


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<div id=app>")
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "assets" / "app-1.js").write_text("1")
    return folder


def pages_of(web: Path) -> Pages:
    site = Later(lambda: Site((PING,), version="1", base_url="https://gateway.example/base", tree=(Rest(),)))
    return Pages(site, web=WebFiles(web), models=lambda: ListedModels(units={}, data=()), base_url="https://gateway.example/base")


def get(pages: Pages, path: str, *lines: tuple[str, str]) -> HttpResponse:
    return asyncio.run(pages.handle(HttpRequest(method="GET", path=path, headers=HeaderBlock.of(*lines))))


def header(response: HttpResponse, name: bytes) -> str:
    return (response.headers.get(name) or b"").decode()


def test_the_root_leads_to_the_documentation(web: Path) -> None:
    answer = get(pages_of(web), "/")
    assert (answer.status, header(answer, b"location")) == (302, "/docs")


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/docs/api-ping", "/console", "/console/keys/key_1"])
def test_html_has_a_strict_policy(web: Path, path: str) -> None:
    answer = get(pages_of(web), path)
    assert (answer.status, answer.body, header(answer, b"content-type")) == (200, b"<div id=app>", "text/html; charset=utf-8")
    policy = dict(part.split(" ", 1) for part in header(answer, b"content-security-policy").split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["img-src"] == "'self' data: blob: https://gateway.example"
    assert policy["connect-src"] == "'self' https://gateway.example"
    assert header(answer, b"x-content-type-options") == "nosniff"
    assert header(answer, b"referrer-policy") == "no-referrer"
    assert header(answer, b"cross-origin-opener-policy") == "same-origin"
    assert header(answer, b"cache-control") == "no-cache"


def test_a_page_that_is_not_there_is_the_site_with_404(web: Path) -> None:
    answer = get(pages_of(web), "/docs/nothing")
    assert (answer.status, answer.body) == (404, b"<div id=app>")


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/docs/data/site.json", "application/json"),
        ("/docs/data/pages/api-ping.json", "application/json"),
        ("/docs/data/search.json", "application/json"),
        ("/docs/data/models.json", "application/json"),
        ("/openapi.json", "application/json"),
        ("/docs/api-ping.md", "text/markdown; charset=utf-8"),
        ("/llms.txt", "text/plain; charset=utf-8"),
        ("/llms-full.txt", "text/plain; charset=utf-8"),
    ],
)
def test_documents_have_tags(web: Path, path: str, content_type: str) -> None:
    pages = pages_of(web)
    answer = get(pages, path)
    assert (answer.status, header(answer, b"content-type")) == (200, content_type)
    tag = header(answer, b"etag")
    again = get(pages, path, ("if-none-match", f'W/{tag}, "other"'))
    assert (again.status, again.body) == (304, b"")
    assert get(pages, path, ("if-none-match", '"other"')).status == 200


@pytest.mark.parametrize(
    "path", ["/docs/data/pages/nothing.json", "/docs/data/", "/web/nothing.js", "/web/", "/web/../secret.txt", "/web/%2e%2e/secret.txt"]
)
def test_what_is_not_there(web: Path, path: str) -> None:
    (web.parent / "secret.txt").write_text("secret")
    with pytest.raises(UnknownPath):
        get(pages_of(web), path)


def test_hashed_files_are_kept_for_good_and_others_asked_for_again(web: Path) -> None:
    pages = pages_of(web)
    assert "immutable" in header(get(pages, "/web/assets/app-1.js"), b"cache-control")
    assert header(get(pages, "/web/icon.svg"), b"cache-control") == "no-cache"


def test_before_the_site_is_built_a_plain_page_says_how(tmp_path: Path) -> None:
    pages = pages_of(tmp_path / "web")
    answer = get(pages, "/docs/api-ping")
    assert isinstance(answer.body, bytes)
    assert answer.status == 200
    assert b"make web" in answer.body
    assert b'href="/docs/api-ping.md"' in answer.body
    assert header(answer, b"content-security-policy").startswith("default-src 'none'")
    attack = get(pages, "/docs/%22%3E%3Cscript%3E")
    assert isinstance(attack.body, bytes)
    assert (attack.status, b"<script" in attack.body) == (404, False)


def test_models_with_their_list_prices() -> None:
    upstreams = (
        Upstream(
            id="up_1",
            name="o",
            provider="openai",
            base_url="https://api.openai.com/v1",
            book="live",
            credentials=(Credential(id="c", secret="s"),),
            models={"gpt-4o-mini": "gpt-4o-mini", "own": "own"},
        ),
        Upstream(
            id="up_2",
            name="s",
            provider="openai",
            base_url="http://sandbox/v1",
            book="test",
            credentials=(Credential(id="d", secret="s"),),
            socket="/s",
        ),
    )
    snapshot = Snapshot(version=1, upstreams=upstreams, prices=(PriceRow(model="own", rates={"input": "1"}),))
    providers = load_providers()
    listed = served_models(Configuration(snapshot, providers=providers, shipped=read_shipped_prices(), now=0.0), providers)
    rows = {row.id: row for row in listed.data}
    assert rows["gpt-4o-mini"].books == ("live", "test")
    assert "chat" in rows["gpt-4o-mini"].operations
    assert rows["gpt-4o-mini"].vendor == "openai"
    price = rows["gpt-4o-mini"].price
    assert price is not None
    assert (price.rates["input"], listed.units["input"]) == ("0.15", 1_000_000)
    assert rows["own"].books == ("live",)
    assert rows["own"].price is not None
    assert rows["own"].price.rates == {"input": "1"}
    assert msgspec.json.encode(listed)
