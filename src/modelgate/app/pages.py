"""Documentation and console over HTTP: the data of the site, its HTML and what that loads, for browsers with a strict policy."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import msgspec

from modelgate.app.later import Later
from modelgate.core.errors import UnknownPath
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.money import Book
from modelgate.core.providers import Provider, operation_of
from modelgate.gateway.configuration import Configuration
from modelgate.metering.prices import UNITS
from modelgate.portal.document import DATA_PATH, JSON, PAGES_PATH, Document, document_of
from modelgate.portal.pages import ListedModel, ListedModels, ListedPrice
from modelgate.portal.web_files import INDEX, WebFiles

if TYPE_CHECKING:
    from modelgate.portal.site import Site

DOCS = "/docs"
CONSOLE = "/console"
WEB_PATH = "/web/"
HASHED_PATH = "assets/"
"""In here the build puts files whose names change with their content."""
PATHS = (
    "/",
    DOCS,
    DOCS + "/{rest:path}",
    CONSOLE,
    CONSOLE + "/{rest:path}",
    WEB_PATH + "{rest:path}",
    "/llms.txt",
    "/llms-full.txt",
    "/openapi.json",
)
MODELS_PATH = DATA_PATH + "models.json"
FOREVER_S = 31_536_000
BOOKS: tuple[Book, ...] = ("live", "test")

_HTML = "text/html; charset=utf-8"
_PLAIN_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Modelgate</title></head>
<body><h1>Modelgate</h1>
<p>The site is not built: run <code>make web</code>, then load this page again.</p>
<p>The documentation as text: <a href="/llms.txt">all pages</a>{page}. The API: <a href="/openapi.json">OpenAPI</a>.</p></body></html>
"""


class Pages:
    """`handle` answers every path of `PATHS` for GET and HEAD."""

    def __init__(self, site: Later["Site"], *, web: WebFiles, models: Callable[[], ListedModels], base_url: str) -> None:
        self._site = site
        self._web = web
        self._models = models
        self._html_lines = _lines_of_html(base_url)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request. Raises UnknownPath."""
        path = unquote(request.path)
        if path == "/":
            return HttpResponse(status=302, headers=HeaderBlock.of(("location", DOCS)))
        if path.startswith(WEB_PATH):
            name = path.removeprefix(WEB_PATH)
            document = self._web.find(name)
            lifetime = f"public, max-age={FOREVER_S}, immutable" if name.startswith(HASHED_PATH) else "no-cache"
            return _send(_found(document, path), request, ("cache-control", lifetime))
        if path == MODELS_PATH:
            return _send(document_of(JSON, msgspec.json.encode(self._models())), request, ("cache-control", "no-cache"))
        if path.rstrip("/") == DOCS or path.startswith(CONSOLE):
            return await asyncio.to_thread(self._page, request)
        site = await self._site.get()
        document = await asyncio.to_thread(site.find, path)
        if document is not None:
            return _send(document, request, ("cache-control", "no-cache"))
        if path.startswith(DATA_PATH):
            raise UnknownPath(f"There is nothing at {path[:200]}.")
        slug = path.rstrip("/").removeprefix(PAGES_PATH)
        is_known = await asyncio.to_thread(lambda: slug in site.pages)
        return await asyncio.to_thread(self._page, request, slug=slug if is_known else "", is_known=is_known)

    def _page(self, request: HttpRequest, *, slug: str = "", is_known: bool = True) -> HttpResponse:
        """Return the HTML of the site; for a page that is not there too, which then says so."""
        document = self._web.find(INDEX)
        if document is None:  # the slug is one of ours: nothing in it has to be escaped
            text = _PLAIN_PAGE.format(page=f', <a href="/docs/{slug}.md">this page</a>' if slug else "")
            document = document_of(_HTML, text.encode())
        return _send(document, request, ("cache-control", "no-cache"), *self._html_lines, status=200 if is_known else 404)


def served_models(configuration: Configuration, providers: dict[str, Provider]) -> ListedModels:
    """Return what an instance serves, with list prices, for anyone to read."""
    operations = {operation_of(name) for provider in providers.values() for name in provider.formats}
    operations |= {name for provider in providers.values() for name in provider.media}
    found: dict[str, tuple[set[str], set[Book]]] = {}
    for book in BOOKS:
        for operation in operations:
            for name in configuration.routes.models(book=book, operation=operation):
                does, books = found.setdefault(name, (set(), set()))
                does.add(operation)
                books.add(book)
    return ListedModels(
        units=dict(UNITS),
        data=tuple(_listed(name, configuration, operations=does, books=books) for name, (does, books) in sorted(found.items())),
    )


def _listed(name: str, configuration: Configuration, *, operations: set[str], books: set[Book]) -> ListedModel:
    entry = configuration.prices.entry(name)
    price = None
    if entry is not None and (entry.rates or entry.free):
        price = ListedPrice(rates=entry.rates, free=entry.free, source=entry.source, listed=entry.listed)
    return ListedModel(
        id=name,
        operations=tuple(sorted(operations)),
        books=tuple(book for book in BOOKS if book in books),
        vendor=entry.provider if entry is not None else "",
        price=price,
    )


def _found(document: Document | None, path: str) -> Document:
    if document is None:
        raise UnknownPath(f"There is nothing at {path[:200]}.")
    return document


def _send(document: Document, request: HttpRequest, *lines: tuple[str, str], status: int = 200) -> HttpResponse:
    headers = HeaderBlock.of(
        ("content-type", document.content_type), ("etag", document.etag), ("x-content-type-options", "nosniff"), *lines
    )
    asked = (request.headers.get(b"if-none-match") or b"").decode("latin-1")
    if status == 200 and document.etag in (tag.strip().removeprefix("W/") for tag in asked.split(",")):
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(status=status, headers=headers, body=document.body)


def _lines_of_html(base_url: str) -> tuple[tuple[str, str], ...]:
    """Return the headers of pages. Pictures, sounds and calls may also go to the public address, which the page may not have come from."""
    address = urlsplit(base_url)
    origin = f"{address.scheme}://{address.netloc}"
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": f"'self' data: blob: {origin}",
        "media-src": f"'self' data: blob: {origin}",
        "font-src": "'self'",
        "connect-src": f"'self' {origin}",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return (
        ("content-security-policy", "; ".join(f"{name} {value}" for name, value in policy.items())),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
    )
