"""The OpenAPI document of the endpoint table."""

from typing import Any

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from modelgate.app.endpoints import every_endpoint
from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.errors import BalanceExhausted, InvalidRequest
from modelgate.formats.kling.family import FAMILY
from modelgate.formats.media.family import load_media_families
from modelgate.portal.openapi import render_openapi


def document() -> Any:
    table = [route.endpoint for route in FAMILY.routes]
    rendered = render_openapi(table, version="1.2.3", server_url="https://gateway.example")
    return msgspec.json.decode(msgspec.json.encode(rendered))


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*(references(item) for item in value.values()))
    return set().union(*(references(item) for item in value)) if isinstance(value, list) else set()


def test_the_head_of_the_document() -> None:
    made = document()
    assert made["openapi"] == "3.1.0"
    assert made["info"]["version"] == "1.2.3"
    assert made["servers"] == [{"url": "https://gateway.example"}]


def test_every_reference_resolves() -> None:
    made = document()
    found = references(made)
    assert found
    assert {reference.removeprefix("#/components/schemas/") for reference in found} <= set(made["components"]["schemas"])


def test_a_submit_has_body_examples_price_and_errors() -> None:
    operation = document()["paths"]["/kling/v1/images/generations"]["post"]

    body = operation["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/ImageBody"}
    assert body["examples"]["text-to-image"]["value"]["prompt"]
    assert operation["x-price-unit"] == "image"
    assert {"key": []} in operation["security"]
    assert {"200", "400", "401", "403", "404", "429", "500", "503"} <= set(operation["responses"])
    assert "prompt-missing" in operation["responses"]["400"]["content"]["application/json"]["examples"]


def test_a_path_parameter_is_declared_with_an_example() -> None:
    operation = document()["paths"]["/kling/v1/images/generations/{task_id}"]["get"]
    (parameter,) = operation["parameters"]
    assert (parameter["name"], parameter["in"], parameter["required"]) == ("task_id", "path", True)
    assert parameter["example"].startswith("task_")


def test_an_error_stands_under_the_status_of_its_dialect() -> None:
    endpoint = Endpoint(
        method="GET",
        path="/x",
        name="x",
        family="x",
        home="desk",
        summary="x",
        description="x",
        errors=(BalanceExhausted, InvalidRequest),
        statuses={BalanceExhausted: 402},
        needs_key=False,
        content_type="image/png",
        cases=(Case(name="a", title="A", prose="a"),),
    )
    operation = render_openapi([endpoint], version="1", server_url="")["paths"]["/x"]["get"]

    assert "insufficient_quota" in operation["responses"]["402"]["description"]
    assert "429" not in operation["responses"]
    assert operation["security"] == []
    assert "image/png" in operation["responses"]["200"]["content"]


@pytest.fixture(scope="module")
def whole() -> Any:
    rendered = render_openapi(every_endpoint(load_media_families()), version="1", server_url="https://gateway.example")
    return msgspec.json.decode(msgspec.json.encode(rendered))


def test_the_whole_document_is_valid(whole: Any) -> None:
    assert [f"{list(error.absolute_path)[:6]}: {error.message[:200]}" for error in OpenAPIV31SpecValidator(whole).iter_errors()] == []


def test_an_invalid_document_is_noticed(whole: Any) -> None:
    broken = {**whole, "paths": {"/x": {"get": {"parameters": [{"name": "a", "in": "nowhere"}], "responses": {}}}}}
    assert list(OpenAPIV31SpecValidator(broken).iter_errors())


def test_names_are_for_readers(whole: Any) -> None:
    names = set(whole["components"]["schemas"])
    assert {"KlingSubmitEnvelope", "OpenaiChatErrorAnswer"} <= names
    assert not [name for name in names if "." in name or name.endswith(("Query", "Headers"))]
    assert {reference.removeprefix("#/components/schemas/") for reference in references(whole)} <= names


def test_queries_and_headers_are_parameters(whole: Any) -> None:
    listed = {parameter["name"]: parameter for parameter in whole["paths"]["/v1/tasks"]["get"]["parameters"]}
    assert (listed["limit"]["in"], listed["limit"]["required"]) == ("query", False)
    assert listed["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    assert listed["limit"]["description"]
    asked = {parameter["name"]: parameter["in"] for parameter in whole["paths"]["/v1/messages"]["post"]["parameters"]}
    assert asked == {"anthropic-version": "header", "anthropic-beta": "header", "Idempotency-Key": "header", "modelgate-cache": "header"}
    file = {parameter["name"]: parameter["required"] for parameter in whole["paths"]["/files/{file}"]["get"]["parameters"]}
    assert file == {"file": True, "expires": True, "signature": True, "Range": False, "If-None-Match": False}


def test_every_call_that_costs_something_can_be_repeated(whole: Any) -> None:
    for path, operations in whole["paths"].items():
        operation = operations.get("post", {})
        if "x-price-unit" in operation:
            assert "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]], path


def test_members_sign_in_and_models_take_keys(whole: Any) -> None:
    assert whole["paths"]["/v1/chat/completions"]["post"]["security"] == [{"key": []}, {"x_api_key": []}, {"x_goog_api_key": []}]
    signed_in = [
        operation for operations in whole["paths"].values() for operation in operations.values() if operation["tags"] == ["account"]
    ]
    assert signed_in
    assert all(operation["security"] in ([], [{"access_key": []}, {"session": []}]) for operation in signed_in)


def test_success_has_its_own_status(whole: Any) -> None:
    responses = whole["paths"]["/runwayml/v1/tasks/{task_id}"]["delete"]["responses"]
    assert responses["204"] == {"description": "Done."}
    assert "200" not in responses


def test_streams_are_told(whole: Any) -> None:
    content = whole["paths"]["/v1/chat/completions"]["post"]["responses"]["200"]["content"]
    assert set(content) == {"application/json", "text/event-stream"}


def test_a_refusal_told_with_200_leaves_the_answer_there(whole: Any) -> None:
    answer = whole["paths"]["/mj/submit/imagine"]["post"]["responses"]["200"]
    schemas = [schema["$ref"].rpartition("/")[2] for schema in answer["content"]["application/json"]["schema"]["anyOf"]]
    assert schemas == ["MidjourneySubmitted", "MidjourneyErrorEnvelope"]
    assert answer["content"]["application/json"]["examples"]["usual"]["value"]["code"] == 1
    assert answer["description"].startswith("Done. Or:\n- ")
