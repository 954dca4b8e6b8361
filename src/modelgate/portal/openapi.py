"""The OpenAPI 3.1 document of an endpoint table."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from modelgate.core.endpoints import Case, Endpoint
from modelgate.portal.examples import EVENTS, is_streamed
from modelgate.portal.path_parameters import describe_path_parameter
from modelgate.portal.refusals import refusals_by_status, sentence
from modelgate.portal.schemas import Schema, describe_types

KEY_SCHEMES = ("key", "x_api_key", "x_goog_api_key")
MEMBER_SCHEMES = ("access_key", "session")
MEMBER_FAMILIES = frozenset(("account", "admin", "yescale"))
"""Of the account API: a member signs in, not a key."""
SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "A key of this gateway, `sk-live-…` or `sk-test-…`."},
    "x_api_key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same key, as Anthropic's clients send it."},
    "x_goog_api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "x-goog-api-key",
        "description": "The same key, as Google's clients send it.",
    },
    "access_key": {"type": "http", "scheme": "bearer", "description": "A member's access key, `ak-…`."},
    "session": {"type": "apiKey", "in": "cookie", "name": "modelgate_session", "description": "The session of the console."},
}

PATH_PARAMETER = re.compile(r"\{([a-z_]+)\}")
Document = dict[str, Any]  # JSON


def render_openapi(endpoints: Sequence[Endpoint], *, version: str, server_url: str) -> Document:
    """Return the document; `server_url` is where clients find this server. The caller encodes it as JSON."""
    schema_of, components = describe_types(
        kind for one in endpoints for kind in (one.request, one.response, one.error, one.query, one.headers) if kind is not None
    )
    outside = {kind for one in endpoints for kind in (one.query, one.headers) if kind is not None}
    paths: dict[str, Document] = {}
    for endpoint in endpoints:
        properties = {kind: components[schema_of[kind]["$ref"].rpartition("/")[2]] for kind in (endpoint.query, endpoint.headers) if kind}
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schema_of, properties)
    unused = {schema_of[kind]["$ref"].rpartition("/")[2] for kind in outside}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Modelgate", "version": version, "description": "One key, one base URL, every model."},
        "servers": [{"url": server_url}],
        "tags": [{"name": family} for family in dict.fromkeys(endpoint.family for endpoint in endpoints)],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in unused},
            "securitySchemes": SCHEMES,
        },
    }


def _operation(endpoint: Endpoint, schema_of: dict[Any, Schema], properties: dict[Any, Schema]) -> Document:
    schemes = MEMBER_SCHEMES if endpoint.family in MEMBER_FAMILIES else KEY_SCHEMES
    operation: Document = {
        "operationId": endpoint.name,
        "tags": [endpoint.family],
        "summary": endpoint.summary,
        "description": endpoint.description,
        "security": [{name: []} for name in schemes] if endpoint.needs_key else [],
        "responses": _responses(endpoint, schema_of),
    }
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": describe_path_parameter(endpoint.path, name),
            "schema": {"type": "string"},
            **_path_examples(endpoint.cases, name),
        }
        for name in PATH_PARAMETER.findall(endpoint.path)
    ]
    for place, kind in (("query", endpoint.query), ("header", endpoint.headers)):
        if kind is not None:
            parameters += _parameters(place, properties[kind])
    if parameters:
        operation["parameters"] = parameters
    if endpoint.request is not None:
        content: Document = {"schema": schema_of[endpoint.request]}
        if examples := _examples(endpoint.cases, "request"):
            content["examples"] = examples
        operation["requestBody"] = {"required": True, "content": {endpoint.request_type: content}}
    if endpoint.price_unit:
        operation["x-price-unit"] = endpoint.price_unit
    return operation


def _parameters(place: str, schema: Schema) -> Iterable[Document]:
    """Yield a parameter for each field of a struct."""
    for name, field in schema["properties"].items():
        inner = {key: value for key, value in field.items() if key not in ("description", "examples")}
        parameter = {"name": name, "in": place, "required": name in schema.get("required", ()), "schema": inner}
        if "description" in field:
            parameter["description"] = field["description"]
        if "examples" in field:
            parameter["example"] = field["examples"][0]
        yield parameter


def _responses(endpoint: Endpoint, schema_of: dict[Any, Schema]) -> Document:
    good = [case for case in endpoint.cases if case.status < 300]
    status = good[0].status if good else 200
    responses: Document = {str(status): {"description": "Done."}}
    if status != 204:
        content: Document = {"schema": schema_of[endpoint.response] if endpoint.response is not None else {}}
        if examples := _examples([case for case in good if case.status == status], "response"):
            content["examples"] = examples
        responses[str(status)]["content"] = {endpoint.content_type: content}
        if any(is_streamed(case) for case in good):
            responses[str(status)]["content"][EVENTS] = {"schema": {"type": "string"}}
    for refused, rows in refusals_by_status(endpoint).items():
        described: Document = {"description": "\n".join(f"- {sentence(row)}" for row in rows)}
        if endpoint.error is not None:
            content = {"schema": schema_of[endpoint.error]}
            if examples := _examples([case for case in endpoint.cases if case.status == refused], "response"):
                content["examples"] = examples
            described["content"] = {"application/json": content}
        if str(refused) in responses:  # Midjourney's proxies tell some refusals with 200
            described = _either(responses[str(refused)], described)
        responses[str(refused)] = described
    return responses


def _either(good: Document, refused: Document) -> Document:
    """Return the description of a status that success and refusals share."""
    content = dict(good.get("content", {}))
    for content_type, told in refused.get("content", {}).items():
        shared = content.get(content_type, {"schema": {}})
        examples = {**shared.get("examples", {}), **told.get("examples", {})}
        content[content_type] = {"schema": {"anyOf": [shared["schema"], told["schema"]]}, **({"examples": examples} if examples else {})}
    return {"description": f"{good['description']} Or:\n{refused['description']}", "content": content}


def _examples(cases: Sequence[Case], side: str) -> Document:
    return {
        case.name: {"summary": case.title, "description": case.prose, "value": value}
        for case in cases
        if (value := getattr(case, side)) is not None
    }


def _path_examples(cases: Sequence[Case], name: str) -> Document:
    values = [case.path_values[name] for case in cases if name in case.path_values]
    return {"example": values[0]} if values else {}
