"""The declared routes of the Ideogram family do what their cases say."""

import msgspec
import pytest

from modelgate.core.endpoints import Case
from modelgate.core.errors import InvalidRequest
from modelgate.formats.ideogram import rules, schema
from modelgate.formats.ideogram.family import FAMILY, INPUTS, PATH
from modelgate.formats.media.family import MediaCall, MediaRoute

PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
CASES = [(route, case) for route in FAMILY.routes for case in route.endpoint.cases]


def body_of(case: Case) -> bytes:
    """Return a case's request as JSON, in which a file of the form is a data URI."""
    return msgspec.json.encode({name: PICTURE if str(value).startswith("@") else value for name, value in case.request.items()})


@pytest.mark.parametrize(("route", "case"), CASES, ids=lambda value: value.name if isinstance(value, Case) else "")
def test_a_case_is_taken_or_refused_as_it_says(route: MediaRoute, case: Case) -> None:
    assert route.decode is not None
    call = MediaCall(body=body_of(case))
    if case.status == 200:
        assert route.decode(call).request.prompt == case.request.get("prompt", "")
        answer = msgspec.convert(case.response, schema.Pictures)
        assert msgspec.to_builtins(answer) == case.response
        return
    with pytest.raises(InvalidRequest) as caught:
        route.decode(call)
    status, body = FAMILY.encode_error(caught.value, request_id="req_5f0c1b9e7a2d4c6f8e013579")
    assert (status, msgspec.json.decode(body)) == (case.status, case.response)


@pytest.mark.parametrize("route", FAMILY.routes, ids=lambda route: route.endpoint.name)
def test_a_body_documents_every_field_that_is_taken(route: MediaRoute) -> None:
    assert route.decode is not None
    (case, *_) = (case for case in route.endpoint.cases if case.status == 200)
    takes = rules.TAKES[route.decode(MediaCall(body=body_of(case))).operation]
    assert {rules.FIELD_NAMES.get(field, field) for field in takes} | {"model"} == set(route.endpoint.request.__struct_fields__)


def test_all_routes_live_under_the_prefix_and_files_of_every_role_have_rules() -> None:
    assert all(route.endpoint.path.startswith(PATH) and route.inputs == INPUTS for route in FAMILY.routes)
    assert set(FAMILY.aliases.values()) <= {PATH} | {route.endpoint.path for route in FAMILY.routes}
    assert {INPUTS[role].field for role in INPUTS} <= set(schema.EditBody.__struct_fields__)
