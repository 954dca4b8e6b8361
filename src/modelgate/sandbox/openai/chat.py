"""`POST /v1/chat/completions`."""

import msgspec

from modelgate.core.clock import Clock
from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.sandbox.openai.answers import Answer, Answerer
from modelgate.sandbox.openai.chat_audio import Spoken, SpokenMemory, speak_answer
from modelgate.sandbox.openai.checks import check_chat
from modelgate.sandbox.openai.errors import Refused, refuse_if_asked
from modelgate.sandbox.openai.gate import Asked, Operation
from modelgate.sandbox.openai.kinds import check_kind
from modelgate.sandbox.openai.models import check_known
from modelgate.sandbox.openai.request import read_chat
from modelgate.sandbox.openai.sending import EVENT_STREAM, Thought
from modelgate.sandbox.openai.wire import Head, answered_model, render_chunks, render_completion
from modelgate.sandbox.schema_instance import Unsatisfiable
from modelgate.sandbox.tokens import Tokenizer


class Chat:
    """Answers chats."""

    def __init__(self, *, tokenizer: Tokenizer, answerer: Answerer, clock: Clock) -> None:
        self._tokenizer = tokenizer
        self._answerer = answerer
        self._clock = clock
        self._memory = SpokenMemory()

    def operations(self) -> tuple[Operation, ...]:
        """Return what can be asked here."""
        return (Operation("POST", "/chat/completions", think=self._think, apart=_may_speak),)

    def _think(self, asked: Asked) -> Thought:
        body = asked.body
        check_chat(body)
        check_known(body["model"])
        check_kind(body["model"], "chat")
        ask = read_chat(body)
        refuse_if_asked(ask.magic, param="messages")
        now = self._clock()
        ask = msgspec.structs.replace(ask, messages=self._memory.recalled(ask.messages, now=now))
        try:
            answer = self._answerer.answer(ask)
        except Unsatisfiable:
            raise Refused("Invalid schema: no value of it can be made.", param="response_format" if ask.schema else "tools") from None
        spoken = None
        if "audio" in (body.get("modalities") or ()) and answer.choices[0].text is not None:
            spoken = speak_answer(answer.choices[0].text, audio=body["audio"], now=now)
            self._memory.keep(spoken)
            answer = _with_sound(answer, spoken, pinned=ask.magic.pinned is not None)
        head = Head(id="chatcmpl-" + random_text(29), created=int(now), model=answered_model(ask.model))
        if ask.stream:
            parts = render_chunks(answer, ask=ask, head=head, tokenizer=self._tokenizer, spoken=spoken)
        else:
            parts = [render_completion(answer, ask=ask, head=head, tokenizer=self._tokenizer, spoken=spoken)]
        return Thought(
            magic=ask.magic,
            parts=parts,
            stream=ask.stream,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            content_type=EVENT_STREAM if ask.stream else "application/json",
        )


def _may_speak(body: Json) -> bool:
    """Say whether a body, not checked yet, may ask for speech."""
    return isinstance(body, dict) and bool(body.get("modalities"))


def _with_sound(answer: Answer, spoken: Spoken, *, pinned: bool) -> Answer:
    """Return an answer that counts its sound too; of pinned usage, all output is sound."""
    if pinned:
        return msgspec.structs.replace(answer, sound_tokens=answer.completion_tokens)
    return msgspec.structs.replace(answer, sound_tokens=spoken.tokens, completion_tokens=answer.completion_tokens + spoken.tokens)
