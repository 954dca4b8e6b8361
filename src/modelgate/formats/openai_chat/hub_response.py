"""Whole answers in neutral words, and neutral answers as completions."""

import secrets
from typing import cast

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Json
from modelgate.formats.chat.carried import Carried, pack_id
from modelgate.formats.chat.markdown_images import MARK, render_markdown_image, split_markdown_images
from modelgate.formats.chat.media_type import read_data_url
from modelgate.formats.chat.request import Audio, Image, Refusal, Text, Thinking, ToolCall
from modelgate.formats.chat.response import AnswerPart, ChatResponse, Choice, FinishReason
from modelgate.formats.chat.wire_format import AnswerHead, ChatPeek, UnreadableAnswer
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.openai_chat.hub_schema import AnswerCall, AnswerChoice, AnswerFunction, AnswerMessage, HubAnswer
from modelgate.formats.openai_chat.options import NAME
from modelgate.formats.openai_chat.peek import RequestPeek, own
from modelgate.formats.openai_chat.reasoning_details import detail_of, thinking_of_details
from modelgate.formats.openai_chat.usage import decode_usage, encode_usage

_FINISHES: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    # Words of imitators.
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "sensitive": "content_filter",
    "safety": "content_filter",
    "refusal": "content_filter",
}
_SAID: dict[FinishReason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "pause": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
}

decode_answer_body = msgspec.json.Decoder(HubAnswer).decode
_encode = msgspec.json.Encoder().encode


def decode_response(body: bytes | bytearray) -> ChatResponse:
    """Return an upstream's whole answer.

    Raises:
        UnreadableAnswer: it is no completion, or one that says nothing.
    """
    try:
        answer = decode_answer_body(body)
    except UNREADABLE as error:
        raise UnreadableAnswer("not a chat completion") from error
    if not answer.choices:
        raise UnreadableAnswer("a chat completion without choices")
    usage, refused = decode_usage(answer.usage)
    citations = citations_of(answer.citations)
    id = text_of(answer.id)
    return ChatResponse(
        id=id,
        model=text_of(answer.model),
        choices=tuple(_choice(choice, at, answer_id=id, citations=citations) for at, choice in enumerate(answer.choices)),
        usage=usage,
        usage_refused=refused,
        service_tier=text_of(answer.service_tier),
    )


def text_of(value: Json) -> str:
    """Return a text of an upstream, empty where it is none."""
    return value if isinstance(value, str) else ""


def list_of(value: Json) -> list[Json]:
    """Return a list of an upstream, empty where it is none."""
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]  # what is in it, nobody knows


def finish_of(reason: Json, *, has_calls: bool) -> FinishReason | None:
    """Return why an answer ended, None where nothing is said. One that holds calls ends in calls, whatever it says."""
    if not isinstance(reason, str) or not reason:
        return None
    finish = _FINISHES.get(reason.lower(), "stop")
    return "tool_calls" if has_calls and finish == "stop" else finish


def said_finish(finish: FinishReason, peek: RequestPeek) -> str:
    """Return the word for why an answer ended, as this request's sender knows it."""
    if finish != "tool_calls":
        return _SAID[finish]
    if peek.forces_call:
        return "stop"
    return "function_call" if peek.is_legacy else "tool_calls"


def citations_of(addresses: Json) -> tuple[Json, ...]:
    """Return a list of bare addresses as annotations."""
    return tuple(
        {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 0, "url": url, "title": ""}}
        for url in list_of(addresses)
        if isinstance(url, str)
    )


def content_parts(content: Json) -> list[Text | Image]:
    """Return what a content holds: text with pictures in it, or a list of parts."""
    if isinstance(content, str):
        return _text_parts(content)
    parts: list[Text | Image] = []
    for part in list_of(content):
        match part:
            case {"text": str(text)}:
                parts += _text_parts(text)
            case {"image_url": str() | dict()}:
                parts += image_parts([part])
            case _:
                pass
    return parts


def _text_parts(text: str) -> list[Text | Image]:
    if MARK not in text:
        return [Text(text=text)] if text else []
    try:
        return list(split_markdown_images(text))
    except InvalidRequest:
        return [Text(text=text)]


def image_parts(images: list[Json] | None) -> list[Text | Image]:
    """Return the pictures of OpenRouter's `images`."""
    found: list[Text | Image] = []
    for image in images or ():
        match image:
            case {"image_url": {"url": str(url)}} | {"image_url": str(url)}:
                try:
                    media_type, data = ("", "") if url.startswith("http") else read_data_url(url, param="images")
                except InvalidRequest:
                    continue
                found.append(Image(url="" if data else url, media_type=media_type, data=data))
            case _:
                pass
    return found


def arguments_of(function: AnswerFunction) -> str:
    """Return a call's arguments as text; some vendors send the object itself."""
    arguments = function.arguments
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else _encode(arguments).decode()


def made_call_id(answer_id: str, index: int) -> str:
    """Return an id for a call that came without one, not to be met again in the same conversation."""
    return f"call_{answer_id[-20:] or secrets.token_hex(8)}_{index}"


def _choice(choice: AnswerChoice, at: int, *, answer_id: str, citations: tuple[Json, ...]) -> Choice:
    message = choice.message or choice.delta or AnswerMessage()
    parts: list[AnswerPart] = [*_thinking(message), *content_parts(message.content)]
    if message.refusal:
        parts.append(Refusal(text=message.refusal))
    parts += image_parts(message.images)
    if message.audio is not None:
        heard = message.audio
        parts.append(Audio(vendor_id=heard.id or "", data=heard.data or "", transcript=heard.transcript or ""))
    calls = [_call(call, number, answer_id) for number, call in enumerate(message.tool_calls or ())]
    if message.function_call is not None and not calls:
        calls = [_call(AnswerCall(function=message.function_call), 0, answer_id)]
    return Choice(
        index=at if choice.index is None else choice.index,
        parts=(*parts, *calls),
        finish=finish_of(choice.finish_reason, has_calls=bool(calls)) or ("tool_calls" if calls else "stop"),
        citations=tuple(message.annotations) if message.annotations else citations,
        logprobs=logprobs_of(choice.logprobs),
    )


def logprobs_of(logprobs: Json) -> list[Json] | None:
    """Return the list of a text's tokens, None where there is none."""
    tokens: Json = cast(dict[str, Json], logprobs).get("content") if isinstance(logprobs, dict) else None
    return list_of(tokens) or None


def thinking_text(message: AnswerMessage) -> str:
    """Return the thoughts that are told as plain text: in a field beside the content, or in parts of it (Mistral)."""
    text = text_of(message.reasoning_content) or text_of(message.reasoning)
    return text or "".join([_thoughts_in(part) for part in list_of(message.content)])


def _thoughts_in(part: Json) -> str:
    match part:
        case {"type": "thinking", "thinking": thought}:
            return thought if isinstance(thought, str) else "".join(_text_in(piece) for piece in list_of(thought))
        case _:
            return ""


def _text_in(part: Json) -> str:
    match part:
        case {"text": str(text)}:
            return text
        case _:
            return ""


def _thinking(message: AnswerMessage) -> list[Thinking]:
    if message.reasoning_details:
        return thinking_of_details(message.reasoning_details)
    text = thinking_text(message)
    return [Thinking(text=text)] if text else []


def _call(call: AnswerCall, number: int, answer_id: str) -> ToolCall:
    id = call.id or made_call_id(answer_id, number)
    if call.custom is not None:
        return ToolCall(id=id, name=call.custom.name or "", arguments=call.custom.input or "", custom=True)
    function = call.function or AnswerFunction()
    return ToolCall(id=id, name=function.name or "", arguments=arguments_of(function))


def answer_id(head: AnswerHead) -> str:
    """Return the id of an answer, made of the request's."""
    return "chatcmpl-" + head.request_id.rpartition("_")[2]


def encode_response(response: ChatResponse, peek: ChatPeek, head: AnswerHead) -> bytes:
    """Return a completion for the client who asked."""
    found = own(peek)
    body: dict[str, Json] = {
        "id": answer_id(head),
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": [_encoded_choice(choice, found) for choice in response.choices],
    }
    if response.usage is not None:
        body["usage"] = encode_usage(response.usage)
    if response.service_tier:
        body["service_tier"] = response.service_tier
    return _encode(body)


def _encoded_choice(choice: Choice, peek: RequestPeek) -> dict[str, Json]:
    logprobs = None if choice.logprobs is None else {"content": choice.logprobs, "refusal": None}
    return {
        "index": choice.index,
        "message": _encoded_message(choice, peek),
        "logprobs": logprobs,
        "finish_reason": said_finish(choice.finish, peek),
    }


def _encoded_message(choice: Choice, peek: RequestPeek) -> dict[str, Json]:
    written = MessageWriter(choice)
    message: dict[str, Json] = {
        "role": "assistant",
        "content": written.content,
        "refusal": written.refusal,
        "annotations": list(choice.citations),
    }
    if written.thoughts:
        message["reasoning_content"] = "".join(written.thoughts)
    if written.details:
        message["reasoning_details"] = written.details
    if written.audio is not None:
        message["audio"] = written.audio
    if written.calls and peek.is_legacy and "function" in written.calls[0]:
        message["function_call"] = written.calls[0]["function"]
    elif written.calls:
        message["tool_calls"] = written.calls
    return message


class MessageWriter:
    """The pieces of one message, gathered from an answer's parts."""

    def __init__(self, choice: Choice) -> None:
        self.thoughts: list[str] = []
        self.details: list[Json] = []
        self.calls: list[dict[str, Json]] = []
        self.audio: dict[str, Json] | None = None
        self._said: list[str] = []
        self._refusals: list[str] = []
        self._carried: list[Thinking] = []
        for part in choice.parts:
            self._add(part)

    @property
    def content(self) -> str | None:
        """The text, None where there is something else in its place."""
        return "".join(self._said) if self._said or not (self.calls or self.audio or self._refusals) else None

    @property
    def refusal(self) -> str | None:
        """The model's words of refusal."""
        return "".join(self._refusals) if self._refusals else None

    def _add(self, part: AnswerPart) -> None:
        match part:
            case Text(text=text):
                self._said.append(text)
            case Image():
                self._said += ["\n" if self._said else "", render_markdown_image(part)]
            case Thinking():
                self._think(part)
            case Refusal(text=text):
                self._refusals.append(text)
            case Audio():
                self.audio = {"id": part.vendor_id, "data": part.data, "expires_at": 0, "transcript": part.transcript}
            case ToolCall():
                self.calls.append(self._call(part))

    def _think(self, thinking: Thinking) -> None:
        if thinking.text:
            self.thoughts.append(thinking.text)
        detail = detail_of(thinking)
        if detail is not None:
            self.details.append(detail)
        elif thinking.format and (thinking.signature or thinking.sealed):
            self._carried.append(thinking)

    def _call(self, call: ToolCall) -> dict[str, Json]:
        id = carrying_id(call.id, signature=call.signature, format=call.format, thinking=tuple(self._carried))
        self._carried = []
        if call.custom:
            return {"id": id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
        return {"id": id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}


def carrying_id(id: str, *, signature: str, format: str, thinking: tuple[Thinking, ...]) -> str:
    """Return a call's id that carries what the call's maker must get back, and clients of this dialect have no place for."""
    maker = format or (thinking[0].format if thinking else "")
    if not maker or maker == NAME:
        return id
    own = tuple(thought for thought in thinking if thought.format == maker)
    return pack_id(Carried(id, maker, signature, own))
