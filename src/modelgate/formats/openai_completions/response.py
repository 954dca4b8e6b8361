"""A whole answer, written for a client and read from an upstream."""

import msgspec

from modelgate.core.records import Json
from modelgate.formats.chat.markdown_images import render_markdown_image
from modelgate.formats.chat.request import Audio, Image, Refusal, Text
from modelgate.formats.chat.response import AnswerPart, ChatResponse, Choice, FinishReason
from modelgate.formats.chat.wire_format import AnswerHead, ChatPeek, UnreadableAnswer
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.openai_chat.usage import decode_usage, encode_usage
from modelgate.formats.openai_completions import schema

_FINISHES = {"length": "length", "content_filter": "content_filter"}
"""All other ends are `stop`."""

_answer = msgspec.json.Decoder(schema.Answer)


def said_finish(finish: FinishReason) -> str:
    """Return how this dialect says why a text ended."""
    return _FINISHES.get(finish, "stop")


def finish_of(said: str | None) -> FinishReason:
    """Return why a text ended."""
    match said:
        case "length" | "content_filter":
            return said
        case _:
            return "stop"


def answer_id(head: AnswerHead) -> str:
    """Return the id of an answer, made out of the request's."""
    return f"cmpl-{head.request_id.removeprefix('req_')}"


def encode_response(response: ChatResponse, peek: ChatPeek, head: AnswerHead) -> bytes:
    """Return the body of a whole answer. Thoughts and calls have no place in it."""
    del peek
    choices = [
        {
            "text": "".join(words_of(part) for part in choice.parts),
            "index": choice.index,
            "logprobs": None,
            "finish_reason": said_finish(choice.finish),
        }
        for choice in response.choices
    ]
    body: dict[str, Json] = {
        "id": answer_id(head),
        "object": "text_completion",
        "created": head.created,
        "model": head.model,
        "choices": choices,
    }
    return msgspec.json.encode(body if response.usage is None else {**body, "usage": encode_usage(response.usage)})


def words_of(part: AnswerPart) -> str:
    """Return what of a part is text."""
    match part:
        case Text(text=text) | Refusal(text=text) | Audio(transcript=text):
            return text
        case Image():
            return render_markdown_image(part)
        case _:
            return ""


def decode_response(body: bytes | bytearray) -> ChatResponse:
    """Return a whole answer in neutral words.

    Raises:
        UnreadableAnswer: no completion, or one that says nothing.
    """
    try:
        found = _answer.decode(body)
    except UNREADABLE as error:
        raise UnreadableAnswer("The upstream's answer is not a completion.") from error
    if not found.choices:
        raise UnreadableAnswer("The upstream's answer is not a completion.")
    usage, usage_refused = decode_usage(found.usage)
    choices = tuple(
        Choice(
            index=at if choice.index is None else choice.index,
            parts=(Text(text=choice.text),) if choice.text else (),
            finish=finish_of(choice.finish_reason),
        )
        for at, choice in enumerate(found.choices)
    )
    return ChatResponse(id=text_of(found.id), model=text_of(found.model), choices=choices, usage=usage, usage_refused=usage_refused)


def text_of(value: Json) -> str:
    """Return a text; imitators put other things where one belongs."""
    return value if isinstance(value, str) else ""
