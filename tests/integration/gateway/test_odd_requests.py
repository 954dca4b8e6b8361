"""Bodies that went wrong on the way, in every dialect, for models of every vendor: each gets an answer, or is told what is wrong with it."""

import copy
import json
import random
from collections.abc import Iterator

import pytest
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.dialects.ask import Ask, Call, Json, Model, Results, Tool, User
from tests.integration.gateway.dialects.models import PLAIN, THINKING
from tests.integration.gateway.dialects.talk import DIALECTS, Talk

ROUNDS = 150
CALL = Call("call_abc123", "get_weather", {"city": "Paris"})
ARGUMENTS = json.dumps(CALL.arguments)
TOOL = Tool("get_weather", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
TURNS: dict[str, Json] = {
    "openai_chat": {
        "role": "assistant",
        "tool_calls": [{"id": CALL.id, "type": "function", "function": {"name": CALL.name, "arguments": ARGUMENTS}}],
    },
    "openai_responses": [{"type": "function_call", "id": "fc_1", "call_id": CALL.id, "name": CALL.name, "arguments": ARGUMENTS}],
    "anthropic_messages": [
        {"type": "text", "text": "I call"},
        {"type": "tool_use", "id": CALL.id, "name": CALL.name, "input": CALL.arguments},
    ],
    "gemini_content": {
        "role": "model",
        "parts": [{"functionCall": {"name": CALL.name, "args": CALL.arguments}, "thoughtSignature": "c2ln"}],
    },
}
JUNK: list[Json] = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "x",
    [],
    {},
    [None],
    [[]],
    [{}],
    {"a": 1},
    {"type": "text"},
    "data:image/png;base64,AAAA",
    "\ud83d\ude00",
    ["x"],
    {"type": "object"},
    "auto",
    [{"type": "text"}],
    "\0",
]
KEYS = (
    "type",
    "text",
    "role",
    "content",
    "name",
    "id",
    "input",
    "parts",
    "function",
    "tool_calls",
    "refusal",
    "file",
    "n",
    "stop",
    "is_error",
)


def bodies(dialect: str, model: str, mode: str) -> list[Json]:
    loop = (User("weather"), Model(TURNS[dialect]), Results(((CALL, "21"),)))
    asks = [
        Ask(turns=(User("hi"),), system="s", limit=50),
        Ask(turns=(User("x", "iVBORw0KGgo=", "JVBERi0xLjQ="),)),
        Ask(turns=(*loop, User("and?")), tools=(TOOL,), choice="required"),
        Ask(turns=loop, tools=(TOOL,), thinks=True),
        Ask(turns=(User("book"),), schema=SCHEMA),
    ]
    return [DIALECTS[dialect].body(ask, model=model, mode=mode) for ask in asks]


def places(value: Json, at: tuple[Json, ...] = ()) -> Iterator[tuple[Json, ...]]:
    """Yield the way to everything in a value."""
    if at:
        yield at
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*at, key))


def spoil(body: Json, chance: random.Random) -> Json:
    """Return a body with one thing in it replaced, left out, or put where it does not belong."""
    body = copy.deepcopy(body)
    *way, last = chance.choice([place for place in places(body) if place[0] not in ("model", "stream")])
    holder = body
    for key in way:
        holder = holder[key]
    match chance.randrange(4):
        case 0:
            del holder[last]
        case 1 if isinstance(holder, list):
            holder.append(copy.deepcopy(chance.choice([*holder, *JUNK])))
        case 1:
            holder[chance.choice(KEYS)] = copy.deepcopy(chance.choice(JUNK))
        case _:
            holder[last] = copy.deepcopy(chance.choice(JUNK))
    return body


@pytest.mark.parametrize("vendor", list(PLAIN))
@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_odd_bodies(installation: Installation, dialect: str, vendor: str) -> None:
    chance = random.Random(f"{dialect} {vendor}")
    for round_ in range(ROUNDS):
        model, mode = chance.choice((PLAIN, THINKING))[vendor], chance.choice(("whole", "stream"))
        body = spoil(chance.choice(bodies(dialect, model, mode)), chance)
        talk = Talk(installation.base_url, installation.test_key, dialect=DIALECTS[dialect], model=model, mode=mode)
        status, raw = talk.exchange(body)
        talk.close()
        assert status in (200, 400, 404), (round_, body, raw[:500])
        if status != 200:
            assert json.loads(raw)["error"]["message"], (round_, body)
        else:
            assert b"internal_error" not in raw, (round_, body, raw[-500:])
