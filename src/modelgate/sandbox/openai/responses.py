"""`/v1/responses`: making a response, coming back to it, cancelling and deleting it, and counting its input."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from modelgate.core.clock import Clock
from modelgate.core.records import Json
from modelgate.sandbox.count import Counted
from modelgate.sandbox.magic import Magic
from modelgate.sandbox.openai.answers import Answerer
from modelgate.sandbox.openai.errors import Refused, refuse_if_asked
from modelgate.sandbox.openai.gate import Asked, Operation
from modelgate.sandbox.openai.reasoning import check_encrypted
from modelgate.sandbox.openai.responses_checks import check_response
from modelgate.sandbox.openai.responses_events import MALFORMED_RESPONSE_EVENT, render_error_event, render_events
from modelgate.sandbox.openai.responses_item_checks import check_pairs, check_reasoning_order
from modelgate.sandbox.openai.responses_memory import MAX_HISTORY_ITEMS, RUNNING_S, SLOW_RUNNING_S, Kept, ResponseMemory
from modelgate.sandbox.openai.responses_request import input_items, read_response
from modelgate.sandbox.openai.responses_wire import encoded, failed, render_response, unfinished, with_id
from modelgate.sandbox.openai.sending import EVENT_STREAM, IN_STREAM_MESSAGE, StreamedAnswer, Thought
from modelgate.sandbox.schema_instance import Unsatisfiable
from modelgate.sandbox.tokens import Tokenizer

DEFAULT_PAGE = 20
MAX_PAGE = 100
_NO_MAGIC = Magic(frozenset(), None, "")


class Responses:
    """Answers requests for responses, and remembers those that are to be stored."""

    def __init__(self, *, tokenizer: Tokenizer, answerer: Answerer, clock: Clock, memory: ResponseMemory | None = None) -> None:
        self._tokenizer = tokenizer
        self._answerer = answerer
        self._clock = clock
        self._memory = memory or ResponseMemory()

    def operations(self) -> tuple[Operation, ...]:
        """Return what can be asked here."""
        return (
            Operation("POST", "/responses", think=self._think),
            Operation("POST", "/responses/input_tokens", think=self._count),
            Operation("GET", "/responses/{id}", fetch=self._fetch),
            Operation("DELETE", "/responses/{id}", fetch=self._delete),
            Operation("POST", "/responses/{id}/cancel", fetch=self._cancel),
            Operation("GET", "/responses/{id}/input_items", fetch=self._list_input),
        )

    def _think(self, asked: Asked) -> Thought:
        body = asked.body
        check_response(body)
        given, history = self._read_items(asked)
        ask = read_response(body, history)
        refuse_if_asked(ask.magic, param="input")
        try:
            answer = self._answerer.answer(ask)
        except Unsatisfiable:
            raise Refused("Invalid schema: no value of it can be made.", param="text.format.schema" if ask.schema else "tools") from None
        now = self._clock()
        response = render_response(answer, ask=ask, body=body, created=int(now), tokenizer=self._tokenizer)
        breaks = ask.stream and ask.magic.has("error-in-stream")
        kept = Kept(
            key=asked.key,
            response=failed(response, message=IN_STREAM_MESSAGE) if breaks else response,
            given=given,
            history=[*history, *response["output"]],
            created_at=now,
            running_s=_running_s(ask.magic) if body.get("background") else None,
            fails=ask.magic.has("fail-task"),
        )
        if response["store"]:
            self._memory.keep(kept)
        parts = [encoded(kept.seen(now))]
        if ask.stream:
            parts = render_events(response, tokenizer=self._tokenizer, obfuscated=ask.obfuscated, top_logprobs=ask.top_logprobs)
        return Thought(
            magic=ask.magic,
            parts=parts,
            stream=ask.stream,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            content_type=EVENT_STREAM if ask.stream else "application/json",
            malformed=MALFORMED_RESPONSE_EVENT,
            failure=render_error_event(len(parts) // 2),
        )

    def _count(self, asked: Asked) -> Thought:
        check_response(asked.body)
        _, history = self._read_items(asked)
        ask = read_response(asked.body, history)
        refuse_if_asked(ask.magic, param="input")
        tokens = ask.magic.pinned.prompt if ask.magic.pinned else self._answerer.count_prompt(ask)
        return Thought(magic=ask.magic, parts=[msgspec.json.encode({"object": "response.input_tokens", "input_tokens": tokens})])

    def _read_items(self, asked: Asked) -> tuple[list[dict[str, Json]], list[dict[str, Json]]]:
        """Return the items that were given, and all with what came before. Raises Refused."""
        given = [with_id(self._resolved(item, key=asked.key)) for item in input_items(asked.body)]
        check_reasoning_order(given)
        earlier: list[dict[str, Json]] = []
        if previous := asked.body.get("previous_response_id"):
            earlier = self._previous(previous, key=asked.key).history
        history = [*earlier, *given]
        if len(history) > MAX_HISTORY_ITEMS:
            raise Refused(
                "Your input exceeds the context window of this model. Please adjust your input and try again.",
                param="input",
                code="context_length_exceeded",
            )
        check_pairs(history)
        return given, history

    def _resolved(self, item: dict[str, Json], *, key: str) -> dict[str, Json]:
        """Return an item itself: of a reference what it refers to, of reasoning only what was reasoned here."""
        if item["type"] == "reasoning" and item.get("encrypted_content") is not None:
            check_encrypted(item)
        elif item["type"] in ("reasoning", "item_reference"):
            found = self._memory.find_item(item["id"], key=key)
            if found is None:
                raise Refused(
                    f"Item with id '{item['id'][:80]}' not found. Items are not persisted when `store` is set to false. "
                    "Try again with `store` set to true, or remove this item from your input.",
                    status=404,
                    param="input",
                )
            return found
        return item

    def _previous(self, response_id: str, *, key: str) -> Kept:
        kept = self._memory.find(response_id, key=key)
        if kept is None:
            raise Refused(
                f"Previous response with id '{response_id[:80]}' not found.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        if kept.seen(self._clock())["status"] in ("queued", "in_progress"):
            raise Refused(
                f"Previous response with id '{response_id[:80]}' is still in progress.", param="previous_response_id", code="invalid_value"
            )
        return kept

    def _found(self, request: Request) -> Kept:
        response_id = request.path_params["id"]
        kept = self._memory.find(response_id, key=request.state.key)
        if kept is None:
            raise Refused(f"Response with id '{response_id[:80]}' not found.", status=404)
        return kept

    async def _fetch(self, request: Request) -> Response:
        kept = self._found(request)
        if request.query_params.get("stream", "false") != "true":
            return _json(kept.seen(self._clock()))
        if kept.running_s is None:
            raise Refused("This response cannot be streamed because it was not created with background=true.", param="stream")
        after = request.query_params.get("starting_after", "-1")
        events = render_events(kept.response, tokenizer=self._tokenizer, after=int(after) if after.isdecimal() and len(after) < 10 else -1)
        entry = Counted(seq=0, vendor="openai", request_id="")  # counted when it was made
        return StreamedAnswer(Thought(magic=_NO_MAGIC, parts=events, stream=True, content_type=EVENT_STREAM), entry=entry)

    async def _delete(self, request: Request) -> Response:
        kept = self._found(request)
        self._memory.forget(kept.response["id"])
        return _json({"id": kept.response["id"], "object": "response", "deleted": True})

    async def _cancel(self, request: Request) -> Response:
        kept = self._found(request)
        if kept.running_s is None:
            raise Refused("Cannot cancel a synchronous response.")
        status = kept.seen(self._clock())["status"]
        if status not in ("queued", "in_progress", "cancelled"):
            raise Refused(f"Cannot cancel a {status} response.")
        kept.cancelled = True
        return _json(unfinished(kept.response, status="cancelled"))

    async def _list_input(self, request: Request) -> Response:
        kept = self._found(request)
        items = kept.given if request.query_params.get("order", "desc") == "asc" else kept.given[::-1]
        limit = request.query_params.get("limit", str(DEFAULT_PAGE))
        if not limit.isdecimal() or not 1 <= int(limit[:9]) <= MAX_PAGE:
            raise Refused(f"Invalid 'limit': expected 1 to {MAX_PAGE}.", param="limit", code="invalid_value")
        after = request.query_params.get("after")
        names = [item["id"] for item in items]
        if after is not None and after not in names:
            raise Refused(f"Item with id '{after[:80]}' not found.", status=404, param="after")
        start = names.index(after) + 1 if after is not None else 0
        page = items[start : start + int(limit)]
        return _json(
            {
                "object": "list",
                "data": page,
                "first_id": page[0]["id"] if page else None,
                "last_id": page[-1]["id"] if page else None,
                "has_more": start + len(page) < len(items),
            }
        )


def _running_s(magic: Magic) -> float:
    return SLOW_RUNNING_S if magic.has("slow-task") else RUNNING_S


def _json(data: Json) -> Response:
    return Response(msgspec.json.encode(data), media_type="application/json")
