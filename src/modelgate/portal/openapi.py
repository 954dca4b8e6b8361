"""The OpenAPI 3.1 document of an endpoint table."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from modelgate.core.endpoints import Case, Endpoint
from modelgate.portal.refusals import refusals_by_status, sentence

REF_TEMPLATE = "#/components/schemas/{name}"
KEY_SCHEME = "key"

PATH_PARAMETER = re.compile(r"\{([a-z_]+)\}")
Document = dict[str, Any]  # JSON


def render_openapi(endpoints: Sequence[Endpoint], *, version: str, server_url: str) -> Document:
    """Return the document; `server_url` is where clients find this server. The caller encodes it as JSON."""
    types = [kind for endpoint in endpoints for kind in (endpoint.request, endpoint.response, endpoint.error) if kind is not None]
    unique = list(dict.fromkeys(types))
    schemas, components = msgspec.json.schema_components(unique, ref_template=REF_TEMPLATE)
    schema_of = dict(zip(unique, schemas, strict=True))
    paths: dict[str, Document] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Modelgate", "version": version, "description": "One key, one base URL, every model."},
        "servers": [{"url": server_url}],
        "tags": [{"name": family} for family in dict.fromkeys(endpoint.family for endpoint in endpoints)],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {KEY_SCHEME: {"type": "http", "scheme": "bearer"}}},
    }


def _operation(endpoint: Endpoint, schema_of: dict[Any, Document]) -> Document:
    operation: Document = {
        "operationId": endpoint.name,
        "tags": [endpoint.family],
        "summary": endpoint.summary,
        "description": endpoint.description,
        "security": [{KEY_SCHEME: []}] if endpoint.needs_key else [],
        "responses": _responses(endpoint, schema_of),
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, **_path_examples(endpoint.cases, name)}
        for name in PATH_PARAMETER.findall(endpoint.path)
    ]
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


def _responses(endpoint: Endpoint, schema_of: dict[Any, Document]) -> Document:
    schema = schema_of[endpoint.response] if endpoint.response is not None else {}
    content: Document = {"schema": schema}
    if examples := _examples([case for case in endpoint.cases if case.status == 200], "response"):
        content["examples"] = examples
    responses: Document = {"200": {"description": "Done.", "content": {endpoint.content_type: content}}}
    for status, rows in refusals_by_status(endpoint).items():
        described: Document = {"description": "\n".join(f"- {sentence(row)}" for row in rows)}
        if endpoint.error is not None:
            content = {"schema": schema_of[endpoint.error]}
            if examples := _examples([case for case in endpoint.cases if case.status == status], "response"):
                content["examples"] = examples
            described["content"] = {"application/json": content}
        responses[str(status)] = described
    return responses


def _examples(cases: Sequence[Case], side: str) -> Document:
    return {
        case.name: {"summary": case.title, "description": case.prose, "value": value}
        for case in cases
        if (value := getattr(case, side)) is not None
    }


def _path_examples(cases: Sequence[Case], name: str) -> Document:
    values = [case.path_values[name] for case in cases if name in case.path_values]
    return {"example": values[0]} if values else {}
