"""The whole documentation of one instance, made once and then only handed out."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

import msgspec

from modelgate.core.endpoints import Endpoint
from modelgate.portal import markdown
from modelgate.portal.builder import PageBuilder
from modelgate.portal.document import DATA_PATH, JSON, MARKDOWN, PAGE_DATA_PATH, PAGES_PATH, PLAIN, Document, document_of
from modelgate.portal.navigation import Node, fill, places_of
from modelgate.portal.openapi import render_openapi
from modelgate.portal.pages import EndpointPart, Field, Page, SearchEntry, SiteData
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
MAX_SEARCH_TEXT_CHARACTERS = 30_000
"""How much of a page the search index holds: more than any has."""


class Site:
    """The pages and what is made of them. Made when first asked for: half a second that a start does not need."""

    def __init__(self, endpoints: Sequence[Endpoint], *, version: str, base_url: str, tree: Sequence[Node] = TREE) -> None:
        self._endpoints = tuple(endpoints)
        self._version = version
        self._base_url = base_url
        self._tree = tree
        self._made: dict[str, Document] = {}
        self._makers: dict[str, tuple[str, Callable[[], bytes]]] = {
            "/openapi.json": (JSON, self._openapi),
            DATA_PATH + "site.json": (JSON, self._site),
            DATA_PATH + "search.json": (JSON, self._search),
            "/llms.txt": (PLAIN, self._overview),
            "/llms-full.txt": (PLAIN, self._whole_text),
        }

    @cached_property
    def pages(self) -> dict[str, Page]:
        """Return every page by its slug, in order. Raises ValueError when two have one slug."""
        pages = self._builder.pages()
        found = {page.slug: page for page in pages}
        if len(found) < len(pages):
            raise ValueError("two pages have the same slug")
        return found

    def find(self, path: str) -> Document | None:
        """Return what is handed out at a path; None when there is nothing."""
        if path.startswith(PAGE_DATA_PATH) and path.endswith(".json"):
            page = self.pages.get(path.removeprefix(PAGE_DATA_PATH).removesuffix(".json"))
            return document_of(JSON, msgspec.json.encode(page)) if page is not None else None
        if path.startswith(PAGES_PATH) and path.endswith(".md"):
            page = self.pages.get(path.removeprefix(PAGES_PATH).removesuffix(".md"))
            return document_of(MARKDOWN, render_markdown(page, base_url=self._base_url).encode()) if page is not None else None
        if path not in self._made and path in self._makers:
            content_type, make = self._makers[path]
            self._made[path] = document_of(content_type, make())
        return self._made.get(path)

    def _site(self) -> bytes:
        data = SiteData(
            title=TITLE,
            version=self._version,
            base_url=self._base_url,
            navigation=self._builder.navigation(),
            languages=LANGUAGES,
        )
        return msgspec.json.encode(data)

    def _search(self) -> bytes:
        return msgspec.json.encode([_search_entry(page) for page in self.pages.values()])

    def _openapi(self) -> bytes:
        return msgspec.json.encode(render_openapi(self._endpoints, version=self._version, server_url=self._base_url))

    def _whole_text(self) -> bytes:
        return "\n\n".join(render_markdown(page, base_url=self._base_url) for page in self.pages.values()).encode()

    @cached_property
    def _builder(self) -> PageBuilder:
        tree = fill(self._tree, self._endpoints, titles=FAMILY_TITLES)
        slugs = {place.leaf.file: place.slug for place in places_of(tree) if place.leaf.file}
        return PageBuilder(tree, self._endpoints, Texts(base_url=self._base_url, slugs=slugs))

    def _overview(self) -> bytes:
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
        return ("\n".join(lines) + "\n").encode()


def _search_entry(page: Page) -> SearchEntry:
    parts = [page.summary, markdown.plain_of(page.prose)]
    if page.endpoint is not None:
        parts += _words_of(page.endpoint)
    if page.object is not None:
        parts += _names(page.object.fields)
    if page.samples is not None:
        parts += [f"{file.title} {file.name}" for file in page.samples.files]
    text = " ".join(dict.fromkeys(part for part in parts if part))[:MAX_SEARCH_TEXT_CHARACTERS]
    return SearchEntry(slug=page.slug, title=page.title, section=page.section, headings=markdown.headings_of(page.prose), text=text)


def _words_of(part: EndpointPart) -> list[str]:
    """Return what an endpoint is found by: its path, its parameters in words, and how everything within them is called."""
    fields = (
        *part.parameters.path,
        *part.parameters.query,
        *part.parameters.header,
        *(part.request.fields if part.request is not None else ()),
    )
    words = [f"{part.method} {part.path}", *(f"{field.name} {field.description}" for field in fields)]
    return words + _names(fields) + _names(part.response.fields) + [f"{more.title} {more.prose}" for more in part.more]


def _names(fields: Iterable[Field]) -> list[str]:
    return [name for field in fields for name in (field.name, *_names(field.children))]
