"""The whole site, over every endpoint of an installation."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from modelgate.app.endpoints import every_endpoint
from modelgate.formats.media.family import load_media_families
from modelgate.portal import markdown
from modelgate.portal.navigation import Leaf
from modelgate.portal.pages import EndpointPart, Field, Page, SearchEntry, SiteData
from modelgate.portal.site import LANGUAGES, Site
from modelgate.portal.texts import Texts

BASE_URL = "https://gateway.example"
MAX_INDEX_BYTES = 600_000
"""It is loaded whole by whoever searches."""
OUTSIDE = re.compile(r"https?://|mailto:")


@pytest.fixture(scope="module")
def site() -> Site:
    return Site(every_endpoint(load_media_families()), version="1.2.3", base_url=BASE_URL)


@pytest.fixture(scope="module")
def pages(site: Site) -> dict[str, Page]:
    return site.pages


def body_of(site: Site, path: str) -> bytes:
    document = site.find(path)
    assert document is not None, path
    return document.body


def anchors_of(page: Page) -> set[str]:
    return {anchor for anchor, _ in markdown.headings_of(page.prose)}


def test_the_head_of_the_site(site: Site) -> None:
    data = msgspec.json.decode(body_of(site, "/docs/data/site.json"), type=SiteData)
    assert (data.version, data.base_url, len(data.languages)) == ("1.2.3", BASE_URL, 15)
    assert data.languages == LANGUAGES

    def slugs(items: tuple[object, ...]) -> list[str]:
        return [slug for item in items for slug in ([item.slug] if item.slug else slugs(item.children))]  # type: ignore[attr-defined]

    assert slugs(data.navigation) == list(site.pages)


def test_every_page_is_a_document_and_says_what_it_is_about(site: Site, pages: dict[str, Page]) -> None:
    for slug, page in pages.items():
        assert msgspec.json.decode(body_of(site, f"/docs/data/pages/{slug}.json"), type=Page) == page
        assert body_of(site, f"/docs/{slug}.md").startswith(f"# {page.title}\n".encode())
        assert page.summary, slug
        assert page.prose.strip(), slug
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)


def test_previous_and_next_are_one_chain(pages: dict[str, Page]) -> None:
    slugs = list(pages)
    assert [page.next.slug if page.next else "" for page in pages.values()] == [*slugs[1:], ""]
    assert [page.previous.slug if page.previous else "" for page in pages.values()] == ["", *slugs[:-1]]


def test_every_endpoint_is_on_a_page(pages: dict[str, Page]) -> None:
    shown = {(page.endpoint.method, page.endpoint.path) for page in pages.values() if page.endpoint is not None}
    assert {(one.method, one.path) for one in every_endpoint(load_media_families())} == shown


def test_every_case_is_on_exactly_one_page(pages: dict[str, Page]) -> None:
    parts = [page.endpoint for page in pages.values() if page.endpoint is not None]
    for endpoint in every_endpoint(load_media_families()):
        of_this = [part for part in parts if part.name == endpoint.name]
        shown = [(part.example, part.response.status) for part in of_this] + [
            (more.example, more.answer.status) for part in of_this for more in part.more
        ]
        assert len(shown) >= len(endpoint.cases), endpoint.name
        assert len(set(map(repr, shown))) == len(
            {repr((case.request, case.path_values, case.query, case.headers, case.status)) for case in endpoint.cases}
        ), endpoint.name


def test_every_example_is_complete(pages: dict[str, Page]) -> None:
    for slug, page in pages.items():
        part = page.endpoint
        if part is None:
            continue
        for example, answer in [(part.example, part.response), *((more.example, more.answer) for more in part.more)]:
            assert "{" not in example.path, f"{slug}: a path parameter without a value"
            assert part.request is None or example.body is not None or example.parts is not None, f"{slug}: no body"
            assert (answer.example is None) != (answer.text is None), f"{slug}: no answer"
            assert answer.content_type != "application/json" or answer.example is not None or answer.status == 204, f"{slug}: no JSON"
            assert example.stream == answer.content_type.startswith("text/event-stream"), slug


def fields_of(part: EndpointPart) -> Iterator[Field]:
    body = part.request.fields if part.request is not None else ()
    waiting = [*part.parameters.path, *part.parameters.query, *part.parameters.header, *body, *part.response.fields]
    while waiting:
        field = waiting.pop()
        yield field
        waiting += field.children


def texts_of(page: Page) -> Iterator[str]:
    """Yield everything on a page that is Markdown."""
    yield page.prose
    if page.endpoint is not None:
        yield from (more.prose for more in page.endpoint.more)
        yield from (field.description for field in fields_of(page.endpoint))


def test_links_lead_somewhere(pages: dict[str, Page]) -> None:
    dead = []
    for slug, page in pages.items():
        for target in (target for text in texts_of(page) for target in markdown.links_of(text)):
            path, _, anchor = target.partition("#")
            linked = page if not path else pages.get(path.removeprefix("/docs/"))
            if OUTSIDE.match(target) or path in ("/openapi.json", "/llms.txt", "/console"):
                continue
            if linked is None or (anchor and anchor not in anchors_of(linked)):
                dead.append(f"{slug}: {target}")
    assert dead == []


def test_the_search_index_finds_pages_by_their_words(site: Site, pages: dict[str, Page]) -> None:
    index = msgspec.json.decode(body_of(site, "/docs/data/search.json"), type=list[SearchEntry])
    assert [entry.slug for entry in index] == list(pages)

    def found(word: str) -> set[str]:
        return {entry.slug for entry in index if word in entry.text or word in entry.title}

    assert "errors" in found("insufficient_quota")
    assert "kling-image-submit-image-generation" in found("image_fidelity")
    assert "tutorials-setting-http-for-make-com" in found("Make.com")
    assert found("no such word anywhere") == set()
    assert "commands" in found("modelgate version")  # at the end of a long page
    assert "suno-query-a-single-task" in found("gpt_description_prompt")  # deep in an answer
    assert "python-streaming-output" in found("streaming.py")
    assert len(body_of(site, "/docs/data/search.json")) < MAX_INDEX_BYTES
    errors = next(entry for entry in index if entry.slug == "errors")
    assert ("from-upstreams", "From upstreams") in errors.headings


def test_every_page_is_listed_for_language_models(site: Site, pages: dict[str, Page]) -> None:
    overview, whole = body_of(site, "/llms.txt").decode(), body_of(site, "/llms-full.txt").decode()
    assert overview.startswith("# Modelgate\n\n> ")
    for slug, page in pages.items():
        assert f"- [{page.title}]({BASE_URL}/docs/{slug}.md): {page.summary}\n" in overview
        assert f"# {page.title}\n" in whole


def test_tasks_are_followed_by_the_id_in_the_answer(pages: dict[str, Page]) -> None:
    pointers = {page.endpoint.name: page.endpoint.follow for page in pages.values() if page.endpoint is not None}
    wanted = {
        "submit_kling_image": "/data/task_id",
        "submit_kling_text_video": "/data/task_id",
        "submit_suno_music": "/data",
        "midjourney_imagine": "/result",
        "submit_runway_image_to_video": "/id",
        "submit_luma_generation": "/id",
        "submit_pika_video": "/id",
        "create_video": "/id",
        "create_task": "/id",
    }
    assert {name: follow.task_id_pointer for name in wanted if (follow := pointers[name]) is not None} == wanted
    assert pointers["create_chat_completion"] is None
    assert pointers["generate_ideogram"] is None


def test_nothing_of_the_machine_and_no_secret_is_in_it(site: Site) -> None:
    text = body_of(site, "/llms-full.txt").decode()
    assert "{{" not in text
    assert not re.search(r"sk-(test|live)-\w{20}", text)


def test_one_slug_is_one_page() -> None:
    twice = (Leaf(title="Introduction"), Leaf(title="introduction"))
    with pytest.raises(ValueError, match="same slug"):
        _ = Site((), version="1", base_url=BASE_URL, tree=twice).pages


def test_every_error_code_leads_to_the_page_of_errors(pages: dict[str, Page]) -> None:
    """Whatever code an endpoint's page names stands on the page of error codes, and is found by the search."""
    codes = {row.code for page in pages.values() if page.endpoint is not None for row in page.endpoint.errors} - {""}
    assert {"invalid_api_key", "insufficient_quota", "task_not_exist"} <= codes
    text = pages["errors"].prose
    assert sorted(code for code in codes if not re.search(rf"\b{code}\b", text)) == []


def test_messages_about_errors_are_for_callers(pages: dict[str, Page]) -> None:
    rows_of_all = {row for page in pages.values() if page.endpoint is not None for row in page.endpoint.errors}
    assert all(row.message and row.message[0].isupper() and row.message.endswith(".") for row in rows_of_all)
    assert not [row for row in rows_of_all if "`body`" in row.message or "our secrets" in row.message]


def unknown_in(example: Any, fields: tuple[Field, ...], at: str = "") -> Iterator[str]:
    """Yield where an example has fields that the table beside it has not."""
    if isinstance(example, list):
        for one in example:
            yield from unknown_in(one, fields, at)
    elif isinstance(example, dict) and fields:
        if all(field.type == "object" and field.children and field.name not in example for field in fields):  # the shapes of a union
            fields = tuple(inner for field in fields for inner in field.children)
        known = {field.name: field for field in fields}
        for name, value in example.items():
            if name in known:
                yield from unknown_in(value, known[name].children, f"{at}/{name}")
            else:
                yield f"{at}/{name}"


def test_every_field_of_an_example_is_in_the_table(pages: dict[str, Page]) -> None:
    unknown = set()
    for page in pages.values():
        part = page.endpoint
        if part is not None and part.response.status < 300:
            unknown |= {f"{part.name} answers {at}" for at in unknown_in(part.response.example, part.response.fields)}
        if part is not None and part.request is not None and part.example.body is not None and part.response.status < 300:
            unknown |= {f"{part.name} asks {at}" for at in unknown_in(part.example.body, part.request.fields)}
    assert sorted(unknown) == []


def test_a_field_that_is_not_in_the_table_would_be_noticed(pages: dict[str, Page]) -> None:
    part = pages["kling-image-submit-image-generation"].endpoint
    assert part is not None
    assert list(unknown_in({**part.response.example, "more": 1}, part.response.fields)) == ["/more"]
    assert list(unknown_in({"data": {"task_id": "a", "odd": 1}}, part.response.fields)) == ["/data/odd"]


def test_examples_are_what_the_types_say() -> None:
    texts = Texts(base_url="", slugs={})
    for endpoint in every_endpoint(load_media_families()):
        for case in endpoint.cases:
            if None not in (case.request, endpoint.request) and case.status < 300 and endpoint.request_type == "application/json":
                msgspec.convert(case.request, endpoint.request)
            recorded = texts.answer(endpoint.name, case.name)
            answer = case.response if recorded is None else recorded.body
            kind = endpoint.response if case.status < 300 else endpoint.error
            if answer is not None and not isinstance(answer, str) and kind is not None:
                msgspec.convert(answer, kind)
