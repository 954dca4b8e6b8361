"""A whole answer, written for a client and read from an upstream."""

from collections.abc import Iterable

import msgspec

from modelgate.core.records import Json
from modelgate.formats.chat.collect import events_of
from modelgate.formats.chat.media_type import sniff_base64
from modelgate.formats.chat.request import Image, Refusal, Text, Thinking, ToolCall
from modelgate.formats.chat.response import AnswerPart, ChatResponse, Choice, FinishReason
from modelgate.formats.chat.vendor_error import clean
from modelgate.formats.chat.wire_format import AnswerHead, ChatPeek, UnreadableAnswer
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.openai_responses import NAME, schema
from modelgate.formats.openai_responses.answer import Answer
from modelgate.formats.openai_responses.items import as_text
from modelgate.formats.openai_responses.nesting import nested_citation
from modelgate.formats.openai_responses.peek import RequestPeek
from modelgate.formats.openai_responses.usage import decode_usage

FINISHED = ("completed", "incomplete")
CALLS = frozenset(("function_call", "custom_tool_call"))

_answer = msgspec.json.Decoder(schema.Answer)
_items = msgspec.json.Decoder(list[msgspec.Raw])
_item = msgspec.json.Decoder(schema.OutputItem)


def encode_response(response: ChatResponse, peek: ChatPeek, head: AnswerHead) -> bytes:
    """Return the body of a whole answer: what a stream of it would end with."""
    assert isinstance(peek, RequestPeek)  # made by this dialect's own `peek`
    answer = Answer(peek, head)
    answer.service_tier = response.service_tier
    for event in events_of(response):
        answer.tell(event)
    return msgspec.json.encode(answer.response())


def decode_answer(body: bytes | bytearray | msgspec.Raw) -> schema.Answer:
    """Return a response object as far as it is looked at. Raises UnreadableAnswer."""
    try:
        found = _answer.decode(body)
    except UNREADABLE as error:
        raise UnreadableAnswer("The upstream's answer is not a response object.") from error
    if found.status is None and not bytes(found.output).startswith(b"["):
        raise UnreadableAnswer("The upstream's answer is not a response object.")
    return found


def decode_response(body: bytes | bytearray) -> ChatResponse:
    """Return a whole answer in neutral words.

    Raises:
        UnreadableAnswer: not a finished response object.
    """
    found = decode_answer(body)
    if found.status is not None and found.status not in FINISHED:
        message = clean(schema.object_of(found.error).get("message"))
        raise UnreadableAnswer(message or "The upstream did not finish its answer.")
    items = output_items(found.output)
    usage, usage_refused = decode_usage(found.usage)
    citations = tuple(citation for item in items for citation in citations_of(item))
    logprobs = [one for item in items for part in item.content or [] for one in part.logprobs or []]
    choice = Choice(
        index=0,
        parts=tuple(part for item in items for part in parts_of(item)),
        finish=finish_of(found, has_calls=any(item.type in CALLS for item in items)),
        citations=citations,
        logprobs=logprobs or None,
    )
    return ChatResponse(
        id=as_text(found.id),
        model=as_text(found.model),
        choices=(choice,),
        usage=usage,
        usage_refused=usage_refused,
        service_tier=as_text(found.service_tier),
    )


def output_items(output: msgspec.Raw) -> list[schema.OutputItem]:
    """Return the items of an answer; those that cannot be read are of kinds that are not known here."""
    try:
        raw_items = _items.decode(output) if bytes(output) not in (b"", b"null") else []
    except UNREADABLE as error:
        raise UnreadableAnswer("The upstream's answer has no list of items.") from error
    items: list[schema.OutputItem] = []
    for raw in raw_items:
        try:
            items.append(_item.decode(raw))
        except UNREADABLE:
            continue
    return items


def parts_of(item: schema.OutputItem) -> Iterable[AnswerPart]:
    """Return what one item is in neutral words; nothing for kinds that have none."""
    match item.type:
        case "message":
            for part in item.content or []:
                if part.refusal is not None:
                    yield Refusal(text=part.refusal)
                elif part.text is not None:
                    yield Text(text=part.text)
        case "reasoning":
            yield from _thinking(item)
        case "function_call" | "custom_tool_call" as kind:
            arguments = as_text(item.input if kind == "custom_tool_call" else item.arguments)
            yield ToolCall(id=call_id_of(item), name=item.name or "", arguments=arguments, custom=kind == "custom_tool_call")
        case "image_generation_call" if item.result:
            yield Image(media_type=_media_type(item), data=item.result)
        case _:
            pass


def _media_type(item: schema.OutputItem) -> str:
    declared = f"image/{item.output_format or 'png'}"
    try:
        return sniff_base64(item.result or "") or declared
    except ValueError:
        return declared


def call_id_of(item: schema.OutputItem) -> str:
    """Return the id by which a result refers to a call; imitators know only the item's."""
    return item.call_id or as_text(item.id)


def thoughts_of(item: schema.OutputItem) -> str:
    """Return the text of a reasoning item: its summary, or the thoughts themselves where a model shows them."""
    return "\n\n".join(part.text for part in item.summary or item.content or [] if part.text)


def _thinking(item: schema.OutputItem) -> Iterable[Thinking]:
    text = thoughts_of(item)
    if item.encrypted_content:
        yield Thinking(text=text, signature=as_text(item.id), sealed=item.encrypted_content, format=NAME)
    elif text:
        yield Thinking(text=text)


def citations_of(item: schema.OutputItem) -> list[Json]:
    """Return the sources that an item names, in the hub's shape."""
    return [nested_citation(annotation) for part in item.content or [] for annotation in part.annotations or []]


def finish_of(found: schema.Answer, *, has_calls: bool) -> FinishReason:
    """Return why an answer ended."""
    reason = found.incomplete_details.reason if found.incomplete_details is not None else None
    if found.status == "incomplete" or reason is not None:
        return "content_filter" if reason == "content_filter" else "length"
    return "tool_calls" if has_calls else "stop"
