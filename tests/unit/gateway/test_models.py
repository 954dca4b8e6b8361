"""What GET /v1/models shows to whom."""

import json
from typing import Any

import pytest

from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.records import ApiKey, Credential, PriceRow, Snapshot, Upstream
from modelgate.formats.chat.wire_format import load_wire_formats
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.models import ModelsGateway
from modelgate.identity.keys import digest_of
from modelgate.identity.table import KeyTable
from modelgate.providers import load_providers

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000.0
SECRET = "sk-live-test"


def upstream(name: str, *models: str, free: bool = False) -> Upstream:
    credentials = (Credential(id=f"cred_{name}", secret="sk-vendor"),)
    return Upstream(
        id=f"up_{name}",
        name=name,
        provider="openai",
        base_url="http://127.0.0.1:9",
        book="live",
        credentials=credentials,
        models={model: model for model in models},
        free=free,
    )


SNAPSHOT = Snapshot(
    version=1,
    upstreams=(upstream("a", "priced", "unpriced"), upstream("b", "of-mine", free=True)),
    prices=(PriceRow(model="priced", rates={"input": "1", "output": "1"}), PriceRow(model="nowhere", rates={"input": "1"})),
)


async def ask(
    path: str,
    *,
    models: tuple[str, ...] = (),
    snapshot: Snapshot | None = SNAPSHOT,
    secret: str = SECRET,
    headers: tuple[tuple[str, str], ...] = (),
) -> tuple[int, Any]:
    key = ApiKey(id="key_1", account="acct_1", book="live", name="k", digest=digest_of(SECRET), hint="", models=models)

    async def look_up(digest: str) -> tuple[ApiKey | None, str, float | None]:
        return (key if digest == key.digest else None), "all", None

    configuration = None if snapshot is None else Configuration(snapshot, providers=load_providers(), shipped=(), now=NOW)
    gateway = ModelsGateway(
        keys=KeyTable(look_up),
        configuration=lambda: configuration,
        operations=("chat",),
        wire_formats=load_wire_formats(),
        clock=lambda: NOW,
    )
    lines = HeaderBlock.of(("authorization", f"Bearer {secret}"), *headers)
    path, _, query = path.partition("?")
    response = await gateway.handle(HttpRequest(method="GET", path=path, query=query, headers=lines, id="req_1"))
    assert isinstance(response.body, bytes)
    return response.status, json.loads(response.body)


async def test_models_need_a_route_and_a_price() -> None:
    status, body = await ask("/v1/models")
    assert status == 200
    assert body["object"] == "list"
    assert [(model["id"], model["object"]) for model in body["data"]] == [("of-mine", "model"), ("priced", "model")]


async def test_a_key_sees_only_what_it_may_use() -> None:
    _, body = await ask("/v1/models", models=("priced", "other"))
    assert [model["id"] for model in body["data"]] == ["priced"]
    _, body = await ask("/v1/models", models=("pri*", "other"))
    assert [model["id"] for model in body["data"]] == ["priced"]
    status, body = await ask("/v1/models/of-mine", models=("priced",))
    assert (status, body["error"]["code"]) == (404, "model_not_found")


async def test_one_model_by_its_name_with_escapes() -> None:
    status, body = await ask("/v1/models/pri%63ed")
    assert (status, body["id"]) == (200, "priced")
    status, body = await ask("/v1/models/unpriced")
    assert (status, body["error"]["param"]) == (404, "model")


async def test_strangers_and_an_early_bird() -> None:
    assert (await ask("/v1/models", secret="sk-live-other"))[0] == 401
    assert (await ask("/v1/models", snapshot=None))[0] == 503


ANTHROPIC = (("anthropic-version", "2023-06-01"),)
GEMINI = (("x-goog-api-key", "unused"),)


async def test_each_dialect_is_told_in_its_own_shape() -> None:
    _, page = await ask("/v1/models", headers=ANTHROPIC)
    assert [row["id"] for row in page["data"]] == ["of-mine", "priced"]
    assert (page["has_more"], page["first_id"], page["last_id"]) == (False, "of-mine", "priced")
    _, listed = await ask("/v1beta/models?pageSize=1")
    assert [row["name"] for row in listed["models"]] == ["models/of-mine"]
    _, rest = await ask(f"/v1beta/models?pageSize=1&pageToken={listed['nextPageToken']}")
    assert [row["name"] for row in rest["models"]] == ["models/priced"]
    status, one = await ask("/v1/models/priced", headers=GEMINI)
    assert (status, one["name"]) == (200, "models/priced")
    assert "generateContent" in one["supportedGenerationMethods"]


async def test_errors_are_in_the_shape_that_was_asked_for() -> None:
    status, body = await ask("/v1/models/nowhere", headers=ANTHROPIC)
    assert (status, body["type"], body["error"]["type"]) == (404, "error", "not_found_error")
    status, body = await ask("/v1beta/models/nowhere")
    assert (status, body["error"]["status"]) == (404, "NOT_FOUND")
    status, body = await ask("/v1/models/nowhere:free")  # it was Gemini's, for the colon
    assert (status, body["error"]["code"]) == (404, "model_not_found")
    status, body = await ask("/v1/models?limit=none", headers=ANTHROPIC)
    assert (status, body["error"]["type"]) == (400, "invalid_request_error")
