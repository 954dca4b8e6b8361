"""Whatever comes, the account API answers it or refuses it in words: every action, with bodies and queries that nobody means."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.control.conftest import Room

from modelgate.app.control import control_endpoints
from modelgate.core.endpoints import Endpoint
from modelgate.core.errors import ModelgateError
from modelgate.core.http import HeaderBlock, HttpRequest

EXAMPLES = 500
ENDPOINTS = [one for one in control_endpoints() if "access_key" not in one.name]  # which would take the key away
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["", "live", "test", "-1", "1e400", "a@b.example", "9" * 30, "\N{ZERO WIDTH JOINER}", "\x1b[2J"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def names_of(kind: Any) -> tuple[str, ...]:
    return tuple(getattr(kind, "__struct_encode_fields__", ()))


@st.composite
def asks(draw: st.DrawFn, endpoint: Endpoint) -> tuple[str, str, bytes]:
    """Return method, path with query, and a body: the example of the endpoint with something changed, or anything at all."""
    case = draw(st.sampled_from(endpoint.cases))
    path = endpoint.path
    for name, value in case.path_values.items():
        path = path.replace(f"{{{name}}}", quote(draw(st.just(value) | TEXTS.filter(bool)), safe=""))
    query = draw(st.dictionaries(st.sampled_from([*names_of(endpoint.query), "other"]), TEXTS, max_size=3))
    path += "?" + "&".join(f"{name}={quote(value)}" for name, value in query.items())
    if endpoint.request is None:
        return endpoint.method, path, b""
    example = case.request if isinstance(case.request, dict) else {}
    changed = {**example, **draw(st.dictionaries(st.sampled_from([*names_of(endpoint.request), "other"]), VALUES, max_size=3))}
    return (
        endpoint.method,
        path,
        draw(st.just(json.dumps(changed).encode()) | st.binary(max_size=20) | VALUES.map(lambda one: json.dumps(one).encode())),
    )


def test_every_action_takes_whatever_comes(tmp_path: Path, database_url: str) -> None:
    room = Room(tmp_path / "data", database_url=database_url)

    async def access_key() -> str:
        return str((await room.ask("POST", "/api/me/access-key", cookie=await room.owner())).json["access_key"])

    async def ask(method: str, target: str, body: bytes) -> int:
        path, _, query = target.partition("?")
        headers = HeaderBlock.of(("authorization", f"Bearer {key}"))
        request = HttpRequest(method=method, path=path, query=query, headers=headers, body=body, client="192.0.2.1", id="req_1")
        try:
            return (await room.control.handle(request)).status
        except ModelgateError as error:
            return error.status

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(ENDPOINTS).flatmap(asks))
    def run(asked: tuple[str, str, bytes]) -> None:
        assert asyncio.run(ask(*asked)) in {200, 201, 204, *range(400, 500)}

    key = asyncio.run(access_key())
    run()
    room.control.close()
    room.database.close()
