from pathlib import Path

import msgspec
import pytest

from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.errors import InvalidRequest
from modelgate.portal.builder import PageBuilder, key_kind_of
from modelgate.portal.navigation import Branch, Leaf
from modelgate.portal.pages import Page
from modelgate.portal.texts import Texts


class Ask(msgspec.Struct):
    prompt: str


class Thing(msgspec.Struct):
    """A thing that was made.

    More of it.
    """

    id: str


class Sieve(msgspec.Struct):
    limit: int = 20


MAKE = Endpoint(
    method="POST",
    path="/things/{kind}",
    name="make_thing",
    family="things",
    home="desk",
    summary="Make a thing",
    description="Takes a while.",
    request=Ask,
    response=Thing,
    query=Sieve,
    errors=(InvalidRequest,),
    price_unit="thing",
    cases=(
        Case(
            name="plain",
            title="Plain",
            prose="A plain one.",
            request={"prompt": "x"},
            response={"id": "task_1"},
            path_values={"kind": "red"},
        ),
        Case(name="wrong", title="A mistake", prose="No prompt.", request={}, response={"error": "prompt"}, status=400),
        Case(name="second", title="Second", prose="Another.", request={"prompt": "y"}, response={"id": "task_2"}),
    ),
)
TREE = (
    Leaf(title="Start"),
    Branch(
        title="Things",
        slug="things",
        children=(
            Leaf(title="Make one", kind="endpoint", endpoint="make_thing", case="plain"),
            Leaf(title="Make another", kind="endpoint", endpoint="make_thing", case="second"),
            Leaf(title="The thing", kind="object", endpoint="make_thing", case="plain"),
        ),
    ),
    Leaf(title="Errors", file="errors.md", slug="errors"),
)


@pytest.fixture
def builder(tmp_path: Path) -> PageBuilder:
    for name in ("guides", "handbook"):
        (tmp_path / name).mkdir()
    (tmp_path / "guides" / "start.md").write_text("samples: a.py\n\nBegin here.\n")
    (tmp_path / "guides" / "things-make-one.md").write_text("Words of our own.\n")
    (tmp_path / "handbook" / "errors.md").write_text("# Errors\n\nWhat can happen.\n")
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "a.py").write_text('"""A program."""\n')
    return PageBuilder(TREE, [MAKE], Texts(base_url="http://here", slugs={"errors.md": "errors"}, folder=tmp_path))


@pytest.fixture
def pages(builder: PageBuilder) -> dict[str, Page]:
    return {page.slug: page for page in builder.pages()}


def test_pages_follow_one_another(pages: dict[str, Page]) -> None:
    slugs = ["start", "things-make-one", "things-make-another", "things-the-thing", "errors"]
    assert list(pages) == slugs
    assert [page.next.slug if page.next else None for page in pages.values()] == [*slugs[1:], None]
    assert [page.previous.slug if page.previous else None for page in pages.values()] == [None, *slugs[:-1]]


def test_a_guide(pages: dict[str, Page]) -> None:
    page = pages["start"]
    assert (page.kind, page.summary, page.section, page.endpoint) == ("prose", "Begin here.", (), None)
    assert page.samples is not None
    assert [(file.title, file.name) for file in page.samples.files] == [("A program", "a.py")]


def test_the_handbook(pages: dict[str, Page]) -> None:
    assert (pages["errors"].summary, pages["errors"].prose) == ("What can happen.", "What can happen.\n")


def test_an_endpoint(pages: dict[str, Page]) -> None:
    page = pages["things-make-one"]
    assert (page.section, page.summary) == (("Things",), "Make a thing: Plain.")
    assert page.prose == "A plain one.\n\nTakes a while.\n\nWords of our own."
    part = page.endpoint
    assert part is not None
    assert (part.method, part.path, part.price_unit, part.needs_key, part.key_kind) == ("POST", "/things/{kind}", "thing", True, "key")
    assert [(field.name, field.example) for field in part.parameters.path] == [("kind", "red")]
    assert [field.name for field in part.parameters.query] == ["limit"]
    assert part.request is not None
    assert [field.name for field in part.request.fields] == ["prompt"]
    assert part.example.path == "/things/red"
    assert [field.name for field in part.response.fields] == ["id"]
    assert [row.status for row in part.errors] == [400, 500]
    assert part.follow is not None
    assert part.follow.task_id_pointer == "/id"


def test_cases_without_a_page_are_on_the_endpoints_first(pages: dict[str, Page]) -> None:
    first, second = pages["things-make-one"].endpoint, pages["things-make-another"].endpoint
    assert first is not None
    assert second is not None
    assert [(more.title, more.answer.status) for more in first.more] == [("A mistake", 400)]
    assert second.more == ()
    assert second.example.body == {"prompt": "y"}


def test_who_signs_a_call() -> None:
    assert key_kind_of(msgspec.structs.replace(MAKE, family="admin")) == "access_key"
    assert key_kind_of(msgspec.structs.replace(MAKE, needs_key=False)) == ""


def test_an_object(pages: dict[str, Page]) -> None:
    page = pages["things-the-thing"]
    assert (page.kind, page.endpoint, page.summary) == ("object", None, "A thing that was made.")
    assert page.object is not None
    assert ([field.name for field in page.object.fields], page.object.example) == (["id"], {"id": "task_1"})


def test_the_navigation(builder: PageBuilder) -> None:
    start, things, errors = builder.navigation()
    assert (start.slug, start.method, things.slug, errors.slug) == ("start", None, None, "errors")
    assert [(item.title, item.slug, item.method) for item in things.children] == [
        ("Make one", "things-make-one", "POST"),
        ("Make another", "things-make-another", "POST"),
        ("The thing", "things-the-thing", None),
    ]
