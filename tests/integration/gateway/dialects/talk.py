"""A talk in one dialect with one model through a running gateway; keeps every answer, so that money can be checked afterwards."""

import http.client
import json
from copy import copy
from dataclasses import replace
from urllib.parse import urlsplit

from tests.integration.gateway.dialects.anthropic_messages import AnthropicMessages
from tests.integration.gateway.dialects.ask import Ask, Dialect, Json, Results, Told, User, events
from tests.integration.gateway.dialects.gemini_content import GeminiContent
from tests.integration.gateway.dialects.openai_chat import OpenaiChat
from tests.integration.gateway.dialects.openai_responses import OpenaiResponses

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect for dialect in (OpenaiChat(), OpenaiResponses(), AnthropicMessages(), GeminiContent())
}
TIMEOUT_S = 60


class Talk:
    """`mode`: whole, stream, or array (Gemini's other kind of stream)."""

    def __init__(self, base_url: str, key: str, *, dialect: Dialect, model: str, mode: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=TIMEOUT_S)
        self._key = key
        self.dialect = dialect
        self.model = model
        self.mode = mode
        self.answers: list[Told] = []

    def close(self) -> None:
        self._connection.close()

    def with_model(self, model: str) -> "Talk":
        """Return the same talk with another model."""
        other = copy(self)
        other.model = model
        return other

    def say(self, text: str, *, picture: str = "", document: str = "", **fields: Json) -> Told:
        """Ask one thing."""
        return self.ask(Ask(turns=(User(text, picture, document),), **fields))

    def ask(self, ask: Ask) -> Told:
        """Ask; the answer must be one."""
        told = self.send(self.dialect.body(ask, model=self.model, mode=self.mode))
        assert told.status == 200, told
        assert told.error is None, told
        return told

    def fail(self, text: str, **fields: Json) -> Told:
        """Ask what cannot be answered to its end; return the error, be it the answer or the end of a stream."""
        told = self.send(self.dialect.body(Ask(turns=(User(text),), **fields), model=self.model, mode=self.mode))
        assert told.error is not None, told
        return told

    def send(self, body: dict[str, Json]) -> Told:
        """Send a body as it is; return what comes of it."""
        status, answered, raw = self._exchange(body)
        told = self._read(status, raw, is_events=answered.get("content-type", "").startswith("text/event-stream"))
        told = replace(told, status=status, headers=answered)
        self.answers.append(told)
        return told

    def exchange(self, body: dict[str, Json]) -> tuple[int, bytes]:
        """Send a body as it is; return the answer's status and bytes, unread."""
        status, _, raw = self._exchange(body)
        return status, raw

    def _exchange(self, body: dict[str, Json]) -> tuple[int, dict[str, str], bytes]:
        headers = {"content-type": "application/json", **self.dialect.headers(self._key)}
        self._connection.request("POST", self.dialect.path(self.model, self.mode), json.dumps(body).encode(), headers)
        response = self._connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()

    def _read(self, status: int, raw: bytes, *, is_events: bool) -> Told:
        if status != 200:
            return Told(error=json.loads(raw)["error"])
        assert is_events == (self.mode == "stream")
        if self.mode == "whole":
            return self.dialect.read(json.loads(raw))
        pieces = list(events(raw.decode())) if is_events else json.loads(raw)
        errors = [error for piece in pieces if (error := self.dialect.error_in(piece)) is not None]
        if errors:
            assert self.dialect.error_in(pieces[-1]) is not None, "something came after the error"
            return Told(error=errors[0], pieces=len(pieces))
        return replace(self.dialect.read(self.dialect.whole(pieces)), pieces=len(pieces))


def results(told: Told, *texts: str) -> Results:
    """Return what the calls of an answer gave."""
    assert len(told.calls) == len(texts)
    return Results(tuple(zip(told.calls, texts, strict=True)))
