"""The whole documentation of one instance, made once and then only handed out."""

import hashlib
from collections.abc import Sequence
from functools import cached_property

import msgspec

from modelgate.core.endpoints import Endpoint
from modelgate.portal import markdown
from modelgate.portal.builder import PageBuilder
from modelgate.portal.navigation import Node, fill, places_of
from modelgate.portal.openapi import render_openapi
from modelgate.portal.pages import Page, SearchEntry, SiteData
from modelgate.portal.render import render_markdown
from modelgate.portal.texts import Texts
from modelgate.portal.tree import FAMILY_TITLES, TREE

TITLE = "Modelgate"
SUMMARY = "One key, one base URL, every model."
LANGUAGES = (
    "Shell",
    "JavaScript",
    "Java",
    "Swift",
    "Go",
    "PHP",
    "Python",
    "HTTP",
    "C",
    "C#",
    "Objective-C",
    "Ruby",
    "OCaml",
    "Dart",
    "R",
)
DATA_PATH = "/docs/data/"
PAGES_PATH = "/docs/"
MAX_SEARCH_TEXT_CHARACTERS = 4_000
"""How much of a page the search index holds: enough to find it, and the index stays small."""

JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"
MARKDOWN = "text/markdown; charset=utf-8"


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is handed out as it is."""

    content_type: str
    body: bytes
    etag: str


def document_of(content_type: str, body: bytes) -> Document:
    """Return a document under the tag of its content."""
    return Document(content_type=content_type, body=body, etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"')


class Site:
    """The documents by their paths. Made when first asked for: a tenth of a second that a start does not need."""

    def __init__(self, endpoints: Sequence[Endpoint], *, version: str, base_url: str, tree: Sequence[Node] = TREE) -> None:
        self._endpoints = tuple(endpoints)
        self._version = version
        self._base_url = base_url
        self._tree = tree

    @cached_property
    def pages(self) -> dict[str, Page]:
        """Return every page by its slug, in order. Raises ValueError when two have one slug."""
        pages = self._builder.pages()
        found = {page.slug: page for page in pages}
        if len(found) < len(pages):
            raise ValueError("two pages have the same slug")
        return found

    @cached_property
    def documents(self) -> dict[str, Document]:
        """Return everything that is handed out as it is, by path."""
        pages = self.pages
        texts = {slug: render_markdown(page, base_url=self._base_url) for slug, page in pages.items()}
        data = SiteData(
            title=TITLE,
            version=self._version,
            base_url=self._base_url,
            navigation=self._builder.navigation(),
            languages=LANGUAGES,
        )
        openapi = render_openapi(self._endpoints, version=self._version, server_url=self._base_url)
        return {
            "/openapi.json": document_of(JSON, msgspec.json.encode(openapi)),
            DATA_PATH + "site.json": document_of(JSON, msgspec.json.encode(data)),
            DATA_PATH + "search.json": document_of(
                JSON, msgspec.json.encode([_search_entry(page, texts[page.slug]) for page in pages.values()])
            ),
            **{f"{DATA_PATH}pages/{slug}.json": document_of(JSON, msgspec.json.encode(page)) for slug, page in pages.items()},
            **{f"{PAGES_PATH}{slug}.md": document_of(MARKDOWN, text.encode()) for slug, text in texts.items()},
            "/llms.txt": document_of(PLAIN, self._overview().encode()),
            "/llms-full.txt": document_of(PLAIN, "\n\n".join(texts.values()).encode()),
        }

    @cached_property
    def _builder(self) -> PageBuilder:
        tree = fill(self._tree, self._endpoints, titles=FAMILY_TITLES)
        slugs = {place.leaf.file: place.slug for place in places_of(tree) if place.leaf.file}
        return PageBuilder(tree, self._endpoints, Texts(base_url=self._base_url, slugs=slugs))

    def _overview(self) -> str:
        """Return every page with its address and its summary, as llmstxt.org has it."""
        lines = [
            f"# {TITLE}",
            "",
            f"> {SUMMARY}",
            "",
            f"Base URL: {self._base_url}/v1 . The API as OpenAPI 3.1: {self._base_url}/openapi.json",
        ]
        section = None
        for page in self.pages.values():
            if page.section != section:
                section = page.section
                lines += ["", f"## {' / '.join(section) or 'Start'}", ""]
            lines.append(f"- [{page.title}]({self._base_url}{PAGES_PATH}{page.slug}.md): {page.summary}")
        return "\n".join(lines) + "\n"


def _search_entry(page: Page, text: str) -> SearchEntry:
    words = markdown.plain_of(text)[:MAX_SEARCH_TEXT_CHARACTERS]
    return SearchEntry(slug=page.slug, title=page.title, section=page.section, headings=markdown.headings_of(page.prose), text=words)
