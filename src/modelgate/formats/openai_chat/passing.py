"""Requests and answers between two that speak this dialect: bytes pass, and only what must is touched."""

import msgspec

from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.formats.chat.wire_format import ChatPeek, Passed, StateIds, UnreadableAnswer, UpstreamAsk
from modelgate.formats.json_fields import UNREADABLE, count_quoted, replace_field, top_level
from modelgate.formats.openai_chat.encode_request import path_for
from modelgate.formats.openai_chat.options import SPELLINGS
from modelgate.formats.openai_chat.peek import own
from modelgate.formats.openai_chat.request import ask_for_usage, rename_model
from modelgate.formats.openai_chat.response import decode_answer, has_no_choices, rename_answer, usage_of

_encode = msgspec.json.Encoder().encode


class _Role(msgspec.Struct, frozen=True):
    role: str = ""


class _AudioId(msgspec.Struct, frozen=True):
    id: str | None = None


class _Message(msgspec.Struct, frozen=True):
    audio: _AudioId | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message | None = None
    delta: _Message | None = None


class _Answer(msgspec.Struct, frozen=True):
    choices: list[_Choice] = []


_decode_role = msgspec.json.Decoder(_Role).decode
_decode_sounds = msgspec.json.Decoder(_Answer).decode


def pass_request(request: HttpRequest, peek: ChatPeek, upstream_model: str, quirks: Quirks, state_ids: StateIds) -> UpstreamAsk:
    """Return the request for another model name and the vendor's ways; all other bytes stay.

    Raises:
        InvalidRequest: an id in it was not made here, or belongs elsewhere.
    """
    found, body = own(peek), request.body
    for our_id in dict.fromkeys(found.audio_ids()) if found.may_sound() else ():  # once each: one may be said ten thousand times
        body = bytes(body).replace(_encode(our_id), _encode(state_ids.open(our_id)))
    if not quirks.has_developer_role and count_quoted(body, b"developer"):
        body = _without_developers(body, found.found.messages)
    if upstream_model != peek.model:
        body = rename_model(body, upstream_model)
    ignored: tuple[str, ...] = ()
    if quirks.renames or quirks.refuses or not quirks.has_stream_options:
        body, ignored = _with_quirks(body, quirks)
    if peek.stream and quirks.has_stream_options:
        body = ask_for_usage(body, found.found)
    return UpstreamAsk(path=path_for(upstream_model, quirks), body=body, ignored=ignored)


def passes_untouched(quirks: Quirks) -> bool:
    """Return whether nothing in a plain request departs from this vendor's ways. See `WireFormat`."""
    return quirks.has_developer_role and quirks.has_stream_options and not quirks.renames and not quirks.refuses


def _without_developers(body: bytes | bytearray, messages: list[msgspec.Raw]) -> bytes | bytearray:
    """Return the body with messages of the role `developer` as such of `system`, its older name."""
    raws = [bytes(message) for message in messages]
    if not any(_role(raw) == "developer" for raw in raws):
        return body
    renamed = [replace_field(raw, "role", b'"system"') if _role(raw) == "developer" else raw for raw in raws]
    return replace_field(body, "messages", _encode([msgspec.Raw(raw) for raw in renamed]))


def _role(message: bytes) -> str:
    try:
        return _decode_role(message).role if b'"developer"' in message else ""
    except UNREADABLE:
        return ""


def _with_quirks(body: bytes | bytearray, quirks: Quirks) -> tuple[bytes | bytearray, tuple[str, ...]]:
    """Return the body with top-level fields renamed and taken out, and which neutral fields these were."""
    refused = {name: neutral for neutral in quirks.refuses for name in SPELLINGS.get(neutral, (neutral,)) if name != "messages"}
    if not quirks.has_stream_options:
        refused["stream_options"] = ""
    if not any(count_quoted(body, name.encode()) for name in (*refused, *quirks.renames)):
        return body, ()
    fields = top_level(body)
    touched = [name for name in fields if name in refused or name in quirks.renames]
    if not touched:
        return body, ()
    kept: dict[str, msgspec.Raw] = {}
    for name, value in fields.items():
        if name in refused:
            continue
        new = quirks.renames.get(name, name)
        if new == name or new not in fields:  # who says both means the vendor's own
            kept[new] = value
    return _encode(kept), tuple(sorted({refused[name] for name in touched if name in refused} - {""}))


def pass_response(body: bytes | bytearray, peek: ChatPeek, renamed: bool, state_ids: StateIds) -> Passed:
    """Return an upstream's whole answer for the client.

    Raises:
        UnreadableAnswer: it is no completion, or one that says nothing.
    """
    answer = decode_answer(body)
    if answer is None or has_no_choices(answer):
        raise UnreadableAnswer("not a chat completion")
    usage = usage_of(answer.usage) if answer.usage is not None else None
    passed = rename_answer(body, peek.model) if renamed else body
    if own(peek).may_sound() and count_quoted(passed, b"audio"):
        passed = seal_audio_ids(bytes(passed), body, state_ids)
    return Passed(body=passed, usage=usage, usage_refused=answer.usage is not None and usage is None)


def seal_audio_ids(written: bytes, payload: bytes | bytearray, state_ids: StateIds) -> bytes:
    """Return an answer, or the event of a chunk, whose sounds' ids are ours; `payload` is its JSON."""
    try:
        answer = _decode_sounds(payload)
    except UNREADABLE:
        return written
    for choice in answer.choices:
        message = choice.message or choice.delta
        if message is not None and message.audio is not None and message.audio.id:
            written = written.replace(_encode(message.audio.id), _encode(state_ids.seal(message.audio.id)))
    return written
