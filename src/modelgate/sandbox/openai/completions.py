"""`POST /v1/completions`, the legacy way to have a text continued."""

import math
from collections.abc import Iterator
from itertools import accumulate, zip_longest

import msgspec

from modelgate.core.clock import Clock
from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.sandbox.chat_ask import ChatAsk
from modelgate.sandbox.magic import Magic, read_magic
from modelgate.sandbox.openai.checks import MAX_N, SAMPLING_RANGES, check_logit_bias, check_stop, check_stream_options
from modelgate.sandbox.openai.errors import Refused, refuse_if_asked
from modelgate.sandbox.openai.fields import are_tokens, check_ranges, wants
from modelgate.sandbox.openai.gate import Asked, Operation
from modelgate.sandbox.openai.kinds import check_kind
from modelgate.sandbox.openai.models import check_model
from modelgate.sandbox.openai.sending import DONE, EVENT_STREAM, Thought, event
from modelgate.sandbox.openai.wire import FINGERPRINT, Head, answered_model, grouped, render_logprobs
from modelgate.sandbox.speaker import Speaker
from modelgate.sandbox.tokens import Tokenizer

DEFAULT_TOKENS = 16
MAX_BEST_OF = 20
MAX_PROMPTS = 2_048
MAX_CHOICES = 2_048
NO_PROMPT = "<|endoftext|>"
_INSERTING = "gpt-3.5-turbo-instruct"


class Continuation(msgspec.Struct, frozen=True, kw_only=True):
    """One choice: `prompt` is its echoed beginning, empty unless asked for; `tokens` counts what was made."""

    prompt: str
    text: str
    finish: str
    tokens: int


class Completions:
    """Continues prompts."""

    def __init__(self, *, tokenizer: Tokenizer, clock: Clock) -> None:
        self._tokenizer = tokenizer
        self._speaker = Speaker(tokenizer)
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return what can be asked here."""
        return (Operation("POST", "/completions", think=self._think),)

    def _think(self, asked: Asked) -> Thought:
        body = asked.body
        check_model(body)
        check_kind(body["model"], "completion")
        _check_completion(body)
        prompts = [self._text(prompt) for prompt in _prompts(body.get("prompt"))]
        magic = read_magic(body["model"], "\n".join(prompts))
        refuse_if_asked(magic, param="prompt")
        made = [self._continued(prompt, index, body=body, magic=magic) for prompt in prompts for index in range(_made_of_each(body))]
        spent = sum(self._tokenizer.count(prompt) for prompt in prompts)
        output = sum(choice.tokens for choice in made)
        if magic.pinned:
            spent, output = magic.pinned.prompt, magic.pinned.completion
        usage = magic.usage({"prompt_tokens": spent, "completion_tokens": output, "total_tokens": spent + output})
        n, of_each = body.get("n") or 1, _made_of_each(body)
        kept = [choice for number, choice in enumerate(made) if number % of_each < n]
        head = Head(id="cmpl-" + random_text(29), created=int(self._clock()), model=answered_model(body["model"]))
        stream = bool(body.get("stream"))
        parts = self._chunks(kept, head=head, body=body, usage=usage) if stream else [self._whole(kept, head=head, body=body, usage=usage)]
        return Thought(
            magic=magic,
            parts=parts,
            stream=stream,
            prompt_tokens=spent,
            completion_tokens=output,
            content_type=EVENT_STREAM if stream else "application/json",
        )

    def _text(self, prompt: str | list[int]) -> str:
        return prompt if isinstance(prompt, str) else self._tokenizer.decode(prompt)

    def _continued(self, prompt: str, index: int, *, body: dict[str, Json], magic: Magic) -> Continuation:
        limit = DEFAULT_TOKENS if body.get("max_tokens") is None else body["max_tokens"]
        stop = body.get("stop")
        choice = self._speaker.speak(
            ChatAsk(
                model=body["model"],
                magic=magic,
                text=read_magic("", prompt).text,
                stops=tuple(stop if isinstance(stop, list) else [stop] if stop else []),
                limit=limit,
            ),
            index,
        )
        return Continuation(prompt=prompt if body.get("echo") else "", text=choice.text or "", finish=choice.finish, tokens=choice.tokens)

    def _whole(self, choices: list[Continuation], *, head: Head, body: dict[str, Json], usage: Json) -> bytes:
        rendered = [
            {
                "text": choice.prompt + choice.text,
                "index": index,
                "logprobs": self._logprobs(choice.prompt + choice.text, body=body, echoed=bool(choice.prompt)),
                "finish_reason": choice.finish,
            }
            for index, choice in enumerate(choices)
        ]
        return msgspec.json.encode({**_shared(head), "choices": rendered, **({"usage": usage} if usage is not None else {})})

    def _chunks(self, choices: list[Continuation], *, head: Head, body: dict[str, Json], usage: Json) -> list[bytes]:
        """Return the events of the whole stream; choices take turns."""
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        empty: dict[str, Json] = {"usage": None} if with_usage else {}
        parts: list[bytes] = []
        for turn in zip_longest(*(self._fragments(choice, body=body) for choice in choices)):
            for index, part in enumerate(turn):
                if part is not None:
                    parts.append(event({**_shared(head), "choices": [{"index": index, **part}], **empty}))
        if with_usage and usage is not None:
            parts.append(event({**_shared(head), "choices": [], "usage": usage}))
        return [*parts, DONE]

    def _fragments(self, choice: Continuation, *, body: dict[str, Json]) -> Iterator[dict[str, Json]]:
        offset = 0
        for group in grouped(self._tokenizer.pieces(choice.prompt + choice.text)):
            text = "".join(piece for piece, _ in group)
            logprobs = self._logprobs(text, body=body, echoed=bool(choice.prompt) and offset == 0, offset=offset)
            yield {"text": text, "logprobs": logprobs, "finish_reason": None}
            offset += len(text)
        yield {"text": "", "logprobs": None, "finish_reason": choice.finish}

    def _logprobs(self, text: str, *, body: dict[str, Json], echoed: bool, offset: int = 0) -> dict[str, Json] | None:
        """Return the probabilities as this endpoint shows them: in columns. Nothing comes before the first token of an echo."""
        top = body.get("logprobs")
        if top is None:
            return None
        rows = render_logprobs(self._tokenizer.pieces(text), top=max(top, 1), tokenizer=self._tokenizer)
        starts = accumulate((len(row["token"]) for row in rows[:-1]), initial=offset) if rows else ()
        first: list[Json] = [None] if echoed else []
        return {
            "tokens": [row["token"] for row in rows],
            "token_logprobs": [*first, *(row["logprob"] for row in rows[len(first) :])],
            "top_logprobs": [*first, *(_likeliest(row) for row in rows[len(first) :])] if top else None,
            "text_offset": list(starts),
        }


def _likeliest(row: dict[str, Json]) -> dict[str, Json]:
    return {each["token"]: each["logprob"] for each in row["top_logprobs"]}


def _shared(head: Head) -> dict[str, Json]:
    return {
        "id": head.id,
        "object": "text_completion",
        "created": head.created,
        "model": head.model,
        "system_fingerprint": FINGERPRINT,
    }


def _prompts(given: Json) -> list[Json]:
    """Return the prompts one by one: a text, or the tokens of one, is one prompt."""
    if given is None:
        return [NO_PROMPT]
    return [given] if isinstance(given, str) or isinstance(given[0], int) else list(given)


def _made_of_each(body: dict[str, Json]) -> int:
    return max(body.get("best_of") or 1, body.get("n") or 1)


def _check_completion(body: dict[str, Json]) -> None:
    """Refuse what the vendor would. Raises Refused."""
    _check_prompt(body.get("prompt"))
    check_ranges(
        body,
        *SAMPLING_RANGES,
        ("max_tokens", int, 0, math.inf),
        ("n", int, 1, MAX_N),
        ("best_of", int, 0, MAX_BEST_OF),
        ("logprobs", int, 0, 5),
    )
    check_logit_bias(body)
    check_stop(body)
    check_stream_options(body)
    for name, kind in (("echo", bool), ("suffix", str), ("user", str)):
        wants(body, name, kind)
    n, best_of = body.get("n") or 1, body.get("best_of")
    if best_of is not None and best_of < n:
        raise Refused(
            f"You requested that the server return more choices than it will generate (n={n}, best_of={best_of}).", param="best_of"
        )
    if body.get("stream") and best_of is not None and best_of > n:
        raise Refused("Cannot stream results when 'best_of' is greater than 'n'.", param="best_of")
    if body.get("suffix") and body["model"].startswith(("davinci", "babbage")):
        raise Refused(f"Invalid suffix: only {_INSERTING} inserts.", param="suffix", code="unsupported_parameter")
    if len(_prompts(body.get("prompt"))) * _made_of_each(body) > MAX_CHOICES:
        raise Refused(f"Too many choices: at most {MAX_CHOICES} are made at once.", param="n", code="invalid_value")


def _check_prompt(given: Json) -> None:
    if given is None or isinstance(given, str):
        return
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_PROMPTS:
        raise _invalid_prompt()
    texts, tokens = all(isinstance(each, str) for each in given), are_tokens(given)
    if not texts and not tokens and not all(isinstance(each, list) and each and are_tokens(each) for each in given):
        raise _invalid_prompt()


def _invalid_prompt() -> Refused:
    return Refused(
        "Invalid type for 'prompt': expected one of a string, array of strings, array of integers, or array of integer arrays.",
        param="prompt",
        code="invalid_type",
    )
