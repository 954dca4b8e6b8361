"""How an answer looks on OpenAI's wire: one body, or the chunks of a stream."""

from base64 import b64encode
from collections.abc import Iterator
from itertools import zip_longest
from zlib import crc32

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.calls import Call
from modelgate.sandbox.chat_ask import ChatAsk
from modelgate.sandbox.openai.answers import Answer
from modelgate.sandbox.openai.chat_audio import Spoken
from modelgate.sandbox.openai.checks import THINKING_MODEL
from modelgate.sandbox.openai.sending import DONE, event
from modelgate.sandbox.openai.speech import in_parts
from modelgate.sandbox.speaker import Choice
from modelgate.sandbox.tokens import Tokenizer

MAX_PIECES = 50
"""A text, or the arguments of a call, goes out in at most this many fragments."""

FINGERPRINT = "fp_sandbox"
_FIRST_READABLE_TOKEN = 256


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What all parts of one answer share; `created` is in seconds."""

    id: str
    created: int
    model: str


def answered_model(model: str) -> str:
    """Return the dated snapshot that answers for an alias, as the vendor does."""
    is_alias = model.startswith(("gpt-", "o1", "o3", "o4", "chatgpt-")) and not model[-2:].isdecimal() and "/" not in model
    return f"{model}-2026-01-15" if is_alias else model


def render_usage(answer: Answer, *, ask: ChatAsk) -> Json:
    """Return the usage object, or what magic makes of it."""
    usage: dict[str, Json] = {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.cached_tokens, "audio_tokens": answer.prompt_sound_tokens},
        "completion_tokens_details": {
            "reasoning_tokens": answer.reasoning_tokens,
            "audio_tokens": answer.sound_tokens,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    if answer.prompt_sound_tokens or answer.sound_tokens:
        usage["prompt_tokens_details"]["text_tokens"] = answer.prompt_tokens - answer.prompt_sound_tokens
        usage["completion_tokens_details"]["text_tokens"] = answer.completion_tokens - answer.sound_tokens
    if THINKING_MODEL.search(ask.model):
        usage |= {"prompt_cache_hit_tokens": answer.cached_tokens, "prompt_cache_miss_tokens": answer.prompt_tokens - answer.cached_tokens}
    return ask.magic.usage(usage)


def render_completion(answer: Answer, *, ask: ChatAsk, head: Head, tokenizer: Tokenizer, spoken: Spoken | None = None) -> bytes:
    """Return the whole answer as one JSON body; `spoken` is its only choice as sound."""
    choices = [
        {
            "index": index,
            "message": _message(choice, legacy=ask.legacy, spoken=spoken),
            "logprobs": _logprobs(tokenizer.pieces(choice.text or ""), ask=ask, tokenizer=tokenizer),
            "finish_reason": choice.finish,
        }
        for index, choice in enumerate(answer.choices)
    ]
    usage = render_usage(answer, ask=ask)
    return msgspec.json.encode(
        {
            "id": head.id,
            "object": "chat.completion",
            "created": head.created,
            "model": head.model,
            "choices": choices,
            **({"usage": usage} if usage is not None else {}),
            "service_tier": ask.tier,
            "system_fingerprint": FINGERPRINT,
        }
    )


def _message(choice: Choice, *, legacy: bool, spoken: Spoken | None) -> dict[str, Json]:
    message: dict[str, Json] = {"role": "assistant", "content": choice.text, "refusal": None, "annotations": []}
    if choice.thought:
        message["reasoning_content"] = choice.thought
    if spoken is not None:
        data = b64encode(spoken.sound).decode()
        sound = {"id": spoken.id, "expires_at": spoken.expires_at, "data": data, "transcript": spoken.transcript}
        return {**message, "content": None, "audio": sound}
    if choice.calls and legacy:
        message["function_call"] = {"name": choice.calls[0].name, "arguments": choice.calls[0].arguments}
    elif choice.calls:
        message["tool_calls"] = [_call(call) for call in choice.calls]
    return message


def _call(call: Call) -> dict[str, Json]:
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _logprobs(pieces: list[tuple[str, list[bytes]]], *, ask: ChatAsk, tokenizer: Tokenizer) -> dict[str, Json] | None:
    if ask.top_logprobs is None:
        return None
    return {"content": render_logprobs(pieces, top=ask.top_logprobs, tokenizer=tokenizer), "refusal": None}


def render_logprobs(pieces: list[tuple[str, list[bytes]]], *, top: int, tokenizer: Tokenizer) -> list[dict[str, Json]]:
    """Return the probability of each token, with those of the `top` likeliest."""
    return [_logprob(token, top=top, tokenizer=tokenizer) for _, group in pieces for token in group]


def _logprob(token: bytes, *, top: int, tokenizer: Tokenizer) -> dict[str, Json]:
    """Make up a probability from the token itself, and less likely neighbours for it."""
    seed = crc32(token)
    first = -(seed % 1000) / 5000
    rivals = [tokenizer.bytes_of(_FIRST_READABLE_TOKEN + (seed + 7919 * rank) % 50_000) for rank in range(1, top)]
    ranked = [(token, first), *((rival, first - 2 - rank / 4) for rank, rival in enumerate(rivals))][:top]
    return {**_one_logprob(token, first), "top_logprobs": [_one_logprob(each, value) for each, value in ranked]}


def _one_logprob(token: bytes, value: float) -> dict[str, Json]:
    return {"token": token.decode("utf-8", "replace"), "logprob": round(value, 6), "bytes": list(token)}


def render_chunks(answer: Answer, *, ask: ChatAsk, head: Head, tokenizer: Tokenizer, spoken: Spoken | None = None) -> list[bytes]:
    """Return the events of the whole stream in order, `[DONE]` included. Choices take turns."""
    per_choice = [list(_deltas(choice, ask=ask, tokenizer=tokenizer, spoken=spoken)) for choice in answer.choices]
    chunks: list[bytes] = []
    for turn in zip_longest(*per_choice):
        for index, part in enumerate(turn):
            if part is not None:
                chunks.append(_chunk({"index": index, **part}, ask=ask, head=head))
    usage = render_usage(answer, ask=ask)
    if ask.include_usage and usage is not None:
        chunks.append(event({**_shared(head, ask=ask), "choices": [], "usage": usage}))
    return [*chunks, DONE]


def _shared(head: Head, *, ask: ChatAsk) -> dict[str, Json]:
    return {
        "id": head.id,
        "object": "chat.completion.chunk",
        "created": head.created,
        "model": head.model,
        "service_tier": ask.tier,
        "system_fingerprint": FINGERPRINT,
    }


def _chunk(choice: dict[str, Json], *, ask: ChatAsk, head: Head) -> bytes:
    chunk = {**_shared(head, ask=ask), "choices": [choice]}
    if ask.include_usage:
        chunk["usage"] = None
    if ask.obfuscated:
        chunk["obfuscation"] = "x" * (1 + crc32(repr(choice).encode()) % 16)
    return event(chunk)


def _part(delta: dict[str, Json], *, logprobs: Json = None, finish: str | None = None) -> dict[str, Json]:
    return {"delta": delta, "logprobs": logprobs, "finish_reason": finish}


def _deltas(choice: Choice, *, ask: ChatAsk, tokenizer: Tokenizer, spoken: Spoken | None) -> Iterator[dict[str, Json]]:
    for group in grouped(tokenizer.pieces(choice.thought)):
        yield _part({"role": "assistant", "content": None, "reasoning_content": "".join(piece for piece, _ in group)})
    if spoken is not None:
        yield from _spoken_deltas(spoken, tokenizer=tokenizer)
    elif choice.calls and ask.legacy:
        yield from _legacy_deltas(choice.calls[0], tokenizer=tokenizer)
    elif choice.calls:
        for index, call in enumerate(choice.calls):
            yield from _call_deltas(call, index=index, tokenizer=tokenizer)
    else:
        yield _part({"role": "assistant", "content": "", "refusal": None})
        for group in grouped(tokenizer.pieces(choice.text or "")):
            text = "".join(piece for piece, _ in group)
            yield _part({"content": text}, logprobs=_logprobs(group, ask=ask, tokenizer=tokenizer))
    yield _part({}, finish=choice.finish)


def _spoken_deltas(spoken: Spoken, *, tokenizer: Tokenizer) -> Iterator[dict[str, Json]]:
    """Give the transcript, which runs ahead, then the sound, then until when it can be referred to."""
    yield _part({"role": "assistant", "refusal": None})
    for index, group in enumerate(grouped(tokenizer.pieces(spoken.transcript))):
        text = "".join(piece for piece, _ in group)
        yield _part({"content": None, "audio": {"id": spoken.id, "transcript": text}} if index == 0 else {"audio": {"transcript": text}})
    for index, part in enumerate(in_parts(spoken.sound)):
        data = b64encode(part).decode()
        first = {"role": "assistant", "content": None, "audio": {"id": spoken.id, "data": data}}
        yield _part(first if index == 0 else {"audio": {"data": data}})
    yield _part({"audio": {"expires_at": spoken.expires_at}})


def _call_deltas(call: Call, *, index: int, tokenizer: Tokenizer) -> Iterator[dict[str, Json]]:
    kind, text = ("custom", "input") if call.custom else ("function", "arguments")
    first = {"index": index, "id": call.id, "type": kind, kind: {"name": call.name, text: ""}}
    yield _part({"role": "assistant", "content": None, "tool_calls": [first]} if index == 0 else {"tool_calls": [first]})
    for group in grouped(tokenizer.pieces(call.arguments)):
        yield _part({"tool_calls": [{"index": index, kind: {text: "".join(piece for piece, _ in group)}}]})


def _legacy_deltas(call: Call, *, tokenizer: Tokenizer) -> Iterator[dict[str, Json]]:
    yield _part({"role": "assistant", "content": None, "function_call": {"name": call.name, "arguments": ""}})
    for group in grouped(tokenizer.pieces(call.arguments)):
        yield _part({"function_call": {"arguments": "".join(piece for piece, _ in group)}})


def grouped(pieces: list[tuple[str, list[bytes]]]) -> Iterator[list[tuple[str, list[bytes]]]]:
    """Split the pieces of a text into at most `MAX_PIECES` fragments."""
    size = -(-len(pieces) // MAX_PIECES) or 1
    for start in range(0, len(pieces), size):
        yield pieces[start : start + size]
