"""The OpenAPI document of the endpoint table."""

from typing import Any

import msgspec

from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.errors import BalanceExhausted, InvalidRequest
from modelgate.formats.kling.family import FAMILY
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
    assert operation["security"] == [{"key": []}]
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
