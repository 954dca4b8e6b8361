"""Requests, answers and streams between two that speak this dialect: bytes pass, as those of chat completions do."""

import re

from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.formats.chat.events import TextDelta
from modelgate.formats.chat.wire_format import ChatPeek, Passed, StateIds, UnreadableAnswer, UpstreamAsk
from modelgate.formats.openai_chat.request import ask_for_usage, rename_model
from modelgate.formats.openai_chat.response import decode_answer, has_no_choices, rename_answer, usage_of
from modelgate.formats.openai_chat.tap import StreamTap
from modelgate.formats.openai_completions.request import own, path_of
from modelgate.formats.openai_completions.stream import CompletionsDecoder


def pass_request(request: HttpRequest, peek: ChatPeek, upstream_model: str, quirks: Quirks, state_ids: StateIds) -> UpstreamAsk:
    """Return the request for another model name, a streamed one asking for its usage; all other bytes stay."""
    del state_ids  # nothing is kept in this dialect
    body = request.body
    if upstream_model != peek.model:
        body = rename_model(body, upstream_model)
    if peek.stream and quirks.has_stream_options:
        body = ask_for_usage(body, own(peek).said)
    return UpstreamAsk(path=path_of(upstream_model, quirks), body=body)


def pass_response(body: bytes | bytearray, peek: ChatPeek, renamed: bool, state_ids: StateIds) -> Passed:
    """Return an upstream's whole answer for the client.

    Raises:
        UnreadableAnswer: it is no completion, or one that says nothing.
    """
    del state_ids
    answer = decode_answer(body)
    if answer is None or has_no_choices(answer):
        raise UnreadableAnswer("The upstream's answer is not a completion.")
    usage = usage_of(answer.usage) if answer.usage is not None else None
    passed = rename_answer(body, peek.model) if renamed else body
    return Passed(body=passed, usage=usage, usage_refused=answer.usage is not None and usage is None)


class CompletionsTap(StreamTap):
    """A `StreamRelay` for one stream that passes: a chat's, but for where its words are."""

    __slots__ = ()

    words_field = re.compile(rb'"text"\s*:\s*"(?!")')

    @property
    def text(self) -> str:
        """The answer's words as far as they were kept."""
        events = CompletionsDecoder().feed(self._kept.as_events)
        return "".join(event.text for event in events if isinstance(event, TextDelta))


def make_tap(peek: ChatPeek, renamed: bool, state_ids: StateIds) -> CompletionsTap:
    """Return the tap of one stream; `renamed`: put the caller's name of the model in."""
    del state_ids
    return CompletionsTap(usage_asked=own(peek).includes_usage, model=peek.model if renamed else None)
