"""What a test asks of any model, and what it is told, in words of no dialect."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

Json = Any


class Call(NamedTuple):
    id: str
    name: str
    arguments: Json


class User(NamedTuple):
    text: str
    picture: str = ""
    """A PNG as base64."""
    document: str = ""
    """A PDF as base64."""


class Model(NamedTuple):
    """An answer as a client of its dialect sends it back."""

    turn: Json


class Results(NamedTuple):
    results: tuple[tuple[Call, str], ...]


class Tool(NamedTuple):
    name: str
    schema: Json


@dataclass(frozen=True, kw_only=True)
class Ask:
    """`choice`: empty, `required`, or the name of the tool to call. `limit`: of output tokens, None to say none where one need not."""

    turns: tuple[User | Model | Results, ...]
    system: str = ""
    tools: tuple[Tool, ...] = ()
    choice: str = ""
    schema: Json = None
    json: bool = False
    stop: tuple[str, ...] = ()
    limit: int | None = None
    thinks: bool = False


class Counted(NamedTuple):
    """Tokens as everybody here counts them: cached and written ones are among the input, reasoning among the output."""

    input: int
    output: int
    cached: int = 0
    written: int = 0
    reasoning: int = 0


@dataclass(frozen=True, kw_only=True)
class Told:
    """An answer. `finish` is in the dialect's own words; `error` is its body where there is one, `pieces` how many came in a
    stream; `usage` None: nothing, or nothing that can be."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    thoughts: str = ""
    calls: tuple[Call, ...] = ()
    pictures: tuple[str, ...] = ()
    finish: str = ""
    usage: Counted | None = None
    turn: Json = None
    error: Json = None
    pieces: int = 0

    @property
    def request_id(self) -> str:
        return self.headers.get("x-request-id", "")


class Dialect(Protocol):
    """Writes requests and reads answers. `finishes`: the hub's words for why an answer ended -> the dialect's."""

    name: str
    finishes: dict[str, str]

    def path(self, model: str, mode: str) -> str: ...
    def headers(self, key: str) -> dict[str, str]: ...
    def body(self, ask: Ask, *, model: str, mode: str) -> dict[str, Json]: ...

    def whole(self, pieces: list[Json]) -> Json:
        """Return what a stream amounts to, as it would have come in one piece; checks that its events are in order."""
        ...

    def read(self, answer: Json) -> Told:
        """Return what an answer says."""
        ...

    def error_in(self, piece: Json) -> Json:
        """Return the error that a piece of a stream is; None for none."""
        ...


def events(stream: str) -> Iterator[Json]:
    """Yield the data of server-sent events, without [DONE]."""
    for block in stream.replace("\r\n", "\n").split("\n\n"):
        data = "\n".join(line[5:].lstrip() for line in block.split("\n") if line.startswith("data:"))
        if data and data != "[DONE]":
            yield json.loads(data)
