"""The declared routes of the Midjourney family do what their cases say."""

import msgspec
import pytest

from modelgate.core.endpoints import Case
from modelgate.formats.media.family import MediaCall, MediaRoute
from modelgate.formats.midjourney.family import FAMILY

SUBMITS = [(route, case) for route in FAMILY.routes if route.action in ("submit", "make") for case in route.endpoint.cases]


@pytest.mark.parametrize(("route", "case"), SUBMITS, ids=lambda value: value.endpoint.name if isinstance(value, MediaRoute) else "")
def test_a_case_is_taken(route: MediaRoute, case: Case) -> None:
    assert route.decode is not None
    ask = route.decode(MediaCall(body=msgspec.json.encode(case.request).replace("…".encode(), b"aGVsbG8=")))
    assert {item.role for item in ask.request.inputs} <= set(route.inputs)
    assert set(ask.request.options) <= set(FAMILY.field_names)


@pytest.mark.parametrize("route", FAMILY.routes, ids=lambda route: route.endpoint.name)
def test_examples_fit_the_published_schemas(route: MediaRoute) -> None:
    for case in route.endpoint.cases:
        assert msgspec.to_builtins(msgspec.convert(case.response, route.endpoint.response)) == case.response
        if case.request is not None:
            msgspec.convert(case.request, route.endpoint.request)


def test_every_speed_leads_to_the_same_routes() -> None:
    assert all(route.endpoint.path.startswith(FAMILY.prefix) for route in FAMILY.routes)
    assert set(FAMILY.prefixes) == {"/mj/", "/mj-fast/mj/", "/mj-relax/mj/", "/mj-turbo/mj/"}
