"""`POST /v1/chat/completions`."""

from modelgate.core.clock import Clock
from modelgate.core.ids import random_text
from modelgate.sandbox.openai_answers import Answerer
from modelgate.sandbox.openai_checks import check_chat
from modelgate.sandbox.openai_errors import Refused, refuse_if_asked
from modelgate.sandbox.openai_gate import Asked, Operation
from modelgate.sandbox.openai_kinds import check_kind
from modelgate.sandbox.openai_models import check_known
from modelgate.sandbox.openai_request import read_chat
from modelgate.sandbox.openai_sending import EVENT_STREAM, Thought
from modelgate.sandbox.openai_wire import Head, answered_model, render_chunks, render_completion
from modelgate.sandbox.schema_instance import Unsatisfiable
from modelgate.sandbox.tokens import Tokenizer


class Chat:
    """Answers chats."""

    def __init__(self, *, tokenizer: Tokenizer, answerer: Answerer, clock: Clock) -> None:
        self._tokenizer = tokenizer
        self._answerer = answerer
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return what can be asked here."""
        return (Operation("POST", "/chat/completions", think=self._think),)

    def _think(self, asked: Asked) -> Thought:
        check_chat(asked.body)
        check_known(asked.body["model"])
        check_kind(asked.body["model"], "chat")
        ask = read_chat(asked.body)
        refuse_if_asked(ask.magic, param="messages")
        try:
            answer = self._answerer.answer(ask)
        except Unsatisfiable:
            raise Refused("Invalid schema: no value of it can be made.", param="response_format" if ask.schema else "tools") from None
        head = Head(id="chatcmpl-" + random_text(29), created=int(self._clock()), model=answered_model(ask.model))
        if ask.stream:
            parts = render_chunks(answer, ask=ask, head=head, tokenizer=self._tokenizer)
        else:
            parts = [render_completion(answer, ask=ask, head=head, tokenizer=self._tokenizer)]
        return Thought(
            magic=ask.magic,
            parts=parts,
            stream=ask.stream,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            content_type=EVENT_STREAM if ask.stream else "application/json",
        )
