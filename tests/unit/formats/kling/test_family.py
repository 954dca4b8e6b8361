"""The declared routes of the Kling family do what their cases say."""

import msgspec
import pytest

from modelgate.core.endpoints import Case
from modelgate.core.errors import InvalidRequest
from modelgate.formats.kling import schema
from modelgate.formats.kling.family import FAMILY
from modelgate.formats.media.family import MediaCall, MediaRoute

SUBMITS = [(route, case) for route in FAMILY.routes if route.action == "submit" for case in route.endpoint.cases]


@pytest.mark.parametrize(("route", "case"), SUBMITS, ids=lambda value: value.name if isinstance(value, Case) else "")
def test_a_case_is_taken_or_refused_as_it_says(route: MediaRoute, case: Case) -> None:
    assert route.decode is not None
    body = msgspec.json.encode(case.request)
    if case.status == 200:
        ask = route.decode(MediaCall(body=body))
        request, facts = ask.request, ask.facts
        assert request.prompt == case.request.get("prompt", case.request.get("input", {}).get("text", ""))
        assert msgspec.json.decode(facts) == {}
        return
    with pytest.raises(InvalidRequest) as caught:
        route.decode(MediaCall(body=body))
    status, answer = FAMILY.encode_error(caught.value, request_id=case.response["request_id"])
    assert (status, msgspec.json.decode(answer)) == (case.status, case.response)


@pytest.mark.parametrize("route", FAMILY.routes, ids=lambda route: route.endpoint.name)
def test_examples_fit_the_published_schemas(route: MediaRoute) -> None:
    for case in route.endpoint.cases:
        schema_type = route.endpoint.response if case.status == 200 else schema.ErrorEnvelope
        assert msgspec.to_builtins(msgspec.convert(case.response, schema_type)) == case.response


def test_all_routes_live_under_the_prefix() -> None:
    assert all(route.endpoint.path.startswith(FAMILY.prefix) for route in FAMILY.routes)
