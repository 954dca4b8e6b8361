"""What the endpoints' types tell readers is true of themselves: examples fit their fields, and requests of cases their types."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import msgspec
import pytest

from modelgate.app.endpoints import every_endpoint
from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.family import MediaCall, MediaRoute, load_media_families
from modelgate.portal.schemas import REF_PREFIX, describe_types
from modelgate.portal.texts import Texts

TABLE = tuple(every_endpoint(load_media_families()))


def parts(kind: Any) -> Iterator[Any]:
    """Yield a type and all that it is made of."""
    yield kind
    for inner in get_args(kind.__value__ if hasattr(kind, "__value__") else kind):
        yield from parts(inner)


def structs() -> list[type[msgspec.Struct]]:
    found: dict[type[msgspec.Struct], None] = {}
    left: list[Any] = [kind for one in TABLE for kind in (one.request, one.response, one.error, one.query, one.headers)]
    while left:
        for kind in parts(left.pop()):
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in found:
                found[kind] = None
                left += [field.type for field in msgspec.structs.fields(kind)]
    return list(found)


def wrong_examples(kind: type[msgspec.Struct]) -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        for part in parts(field.type):
            if get_origin(part) is Annotated:
                for meta in part.__metadata__:
                    yield from (f"{kind.__name__}.{field.name}: {why}" for why in wrong_values(part, meta))


def wrong_values(kind: Any, meta: msgspec.Meta) -> Iterator[str]:
    values = (meta.extra_json_schema or {}).get("enum")
    for example in meta.examples or ():
        try:
            msgspec.convert(example, kind)
        except msgspec.ValidationError as error:
            yield f"{example!r} does not fit: {error}"
        if values is not None and example not in values:
            yield f"{example!r} is not one of the values"


def test_every_example_fits_its_field() -> None:
    found = structs()
    assert len(found) > 200
    assert [wrong for kind in found for wrong in wrong_examples(kind)] == []


def test_an_example_that_does_not_fit_is_found() -> None:
    class Wrong(msgspec.Struct):
        number: Annotated[int, msgspec.Meta(le=3, examples=[4])] | None = None
        word: Annotated[str, msgspec.Meta(extra_json_schema={"enum": ["a"]}, examples=["b"])] = "a"

    assert [wrong.partition(":")[0] for wrong in wrong_examples(Wrong)] == ["Wrong.number", "Wrong.word"]


SCHEMA_OF, COMPONENTS = describe_types(kind for one in TABLE for kind in (one.request, one.response) if kind is not None)


def alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a value may be, without references and unions."""
    if "$ref" in schema:
        return alternatives(COMPONENTS[schema["$ref"].removeprefix(REF_PREFIX)])
    return [found for one in schema["anyOf"] for found in alternatives(one)] if "anyOf" in schema else [schema]


def unlisted(value: Any, schema: dict[str, Any], where: str = "") -> Iterator[str]:
    """Yield the fields of a value that its type does not list. Of objects that may hold anything nothing is asked."""
    kinds = alternatives(schema)
    if isinstance(value, list):
        items = [kind["items"] for kind in kinds if kind.get("items")]
        yield from (found for item in value for kind in items[:1] for found in unlisted(item, kind, f"{where}[]"))
    objects = [kind for kind in kinds if "properties" in kind]
    if not isinstance(value, dict) or not objects or len(objects) < len([kind for kind in kinds if kind.get("type", "object") == "object"]):
        return
    listed = {name: inner for kind in objects for name, inner in kind["properties"].items()}
    yield from (f"{where}.{name}" for name in value if name not in listed)
    yield from (found for name, inner in value.items() if name in listed for found in unlisted(inner, listed[name], f"{where}.{name}"))


CASES = [
    pytest.param(endpoint, case, id=f"{endpoint.name}-{case.name}") for endpoint in TABLE for case in endpoint.cases if case.status < 300
]


@pytest.mark.parametrize(("endpoint", "case"), CASES)
def test_a_page_lists_every_field_of_its_requests(endpoint: Endpoint, case: Case) -> None:
    """A field that a page does not list, or of another type, would be a riddle to whoever reads the page."""
    if endpoint.request is not None and case.request is not None and endpoint.request_type == "application/json":
        msgspec.convert(case.request, endpoint.request)
        assert list(unlisted(case.request, SCHEMA_OF[endpoint.request])) == []


@pytest.mark.parametrize(("endpoint", "case"), CASES)
def test_a_page_lists_every_field_of_its_answers(endpoint: Endpoint, case: Case) -> None:
    """Of answers in the declarations and of those that were recorded."""
    recorded = Texts(base_url="", slugs={}).answer(endpoint.name, case.name)
    for answer in (case.response, recorded.body if recorded is not None and recorded.status < 300 else None):
        if endpoint.response is not None and endpoint.content_type == "application/json" and isinstance(answer, dict | list):
            msgspec.convert(answer, endpoint.response)
            assert list(unlisted(answer, SCHEMA_OF[endpoint.response])) == []


def test_a_field_that_is_not_listed_is_found() -> None:
    choice = {"message": {"content": "Hello!", "mood": "good"}}
    chat = next(one for one in TABLE if one.path == "/v1/chat/completions")
    assert list(unlisted({"choices": [choice], "speed": 1}, SCHEMA_OF[chat.response])) == [".speed", ".choices[].message.mood"]


PICTURE = "data:image/png;base64,iVBORw0KGgo="
"""In place of pictures that examples cut short."""
READ_ONLY_WITH_ANOTHER = {
    "shot_type": "with multi_shot",
    "multi_prompt": "with multi_shot",
    "taskId": "of a video with the action extend",
    "duration": "without seconds, which wins",
    "model": "without model_name, which wins",
}
"""Fields whose bounds do not show in the cases, and when they are read."""
MEDIA_CASES = [
    pytest.param(route, case, id=f"{route.endpoint.name}-{case.name}")
    for family in load_media_families()
    for route in family.routes
    for case in route.endpoint.cases[:1]
    if route.decode is not None and isinstance(case.request, dict) and case.status < 300
]


def beyond(schema: dict[str, Any]) -> Iterator[Any]:
    """Yield values just beyond what a field may hold."""
    for kind in alternatives(schema):
        yield from (kind[name] + step for name, step in (("minimum", -1), ("exclusiveMinimum", -1), ("maximum", 1)) if name in kind)
        if "maxLength" in kind:
            yield "x" * (kind["maxLength"] + 1)
        if "maxItems" in kind:
            yield [PICTURE] * (kind["maxItems"] + 1)
        if kind.get("enum"):
            yield "no such word"


@pytest.mark.parametrize(("route", "case"), MEDIA_CASES)
def test_a_bound_on_a_page_is_one_that_is_checked(route: MediaRoute, case: Case) -> None:
    request = {name: whole(value) for name, value in case.request.items()}  # type: ignore[union-attr]  # objects alone are in the list

    def decode(**fields: Any) -> None:
        body = msgspec.json.encode({**request, **fields})
        call = MediaCall(body=body, content_type="application/json", values=case.path_values, operations_of=lambda model: ("video",))
        route.decode(call)  # type: ignore[misc]  # there is one

    decode()
    for kind in alternatives(SCHEMA_OF[route.endpoint.request]):
        for name, schema in kind["properties"].items():
            for value in () if name in READ_ONLY_WITH_ANOTHER else beyond(schema):
                with pytest.raises(InvalidRequest) as refused:
                    decode(**{name: value})
                    pytest.fail(f"{name} may be {str(value)[:40]}")
                assert refused.value.param


def whole(value: Any) -> Any:
    if isinstance(value, list):
        return [whole(one) for one in value]
    return PICTURE if isinstance(value, str) and value.startswith("@") else value  # a file of a form
