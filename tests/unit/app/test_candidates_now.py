"""Who serves a model as configured now."""

import pytest

from modelgate.app.candidates_now import CandidatesFromRoutes
from modelgate.core.records import Credential, Snapshot, Upstream
from modelgate.gateway.configuration import Configuration
from modelgate.providers import load_providers


def configuration() -> Configuration:
    upstreams = tuple(
        Upstream(
            id=f"up_{n}",
            name=f"u{n}",
            provider="openai",
            base_url="http://127.0.0.1:1",
            book="live",
            models={"m": "m"},
            credentials=(Credential(id=f"c{n}", secret="s"),),
            priority=n,
            disabled=n == 3,
        )
        for n in range(4)
    )
    return Configuration(Snapshot(version=1, upstreams=upstreams), providers=load_providers(), shipped=(), now=0.0)


pytestmark = pytest.mark.anyio


async def test_upstreams_of_a_model_come_by_priority_without_disabled_ones() -> None:
    made = configuration()

    async def current() -> Configuration:
        return made

    find = CandidatesFromRoutes(current)
    assert [(one.name, one.priority) for one in await find("live", "m", "openai_chat")] == [("u2", 2), ("u1", 1), ("u0", 0)]
    assert await find("test", "m", "openai_chat") == await find("live", "other", "openai_chat") == []
    assert len(await find("live", "m", "openai_embeddings")) == 3
