"""What Anthropic refuses about the messages of a request: roles, empty turns, and the order of calls, results and thoughts."""

from collections.abc import Iterator

from modelgate.core.records import Json
from modelgate.sandbox.anthropic.block_checks import MEDIA_TYPES, check_block
from modelgate.sandbox.anthropic.errors import Refused
from modelgate.sandbox.anthropic.fields import must_be, only, required
from modelgate.sandbox.vision import decode_base64, open_picture

MAX_MESSAGES = 100_000
MAX_PICTURES = 100
MAX_NAMED = 10
"""Calls that one refusal names."""
MANY_PICTURES = 20
MANY_PICTURES_PX = 2_000
_THOUGHTS = ("thinking", "redacted_thinking")


def check_messages(body: dict[str, Json]) -> None:
    """Check all messages of a body. Raises Refused."""
    messages = required(body, "messages", list)
    if not messages:
        raise Refused("messages: at least one message is required")
    if len(messages) > MAX_MESSAGES:
        raise Refused(f"messages: List should have at most {MAX_MESSAGES} items after validation, not {len(messages)}")
    for index, message in enumerate(messages):
        _check_message(message, where=f"messages.{index}", last=index == len(messages) - 1)
    if messages[0]["role"] != "user":
        raise Refused('messages: first message must use the "user" role')
    _check_prefill(messages[-1])
    _check_pairing(messages)
    _check_pictures(messages)


def blocks_of(message: dict[str, Json]) -> list[dict[str, Json]]:
    """Return the blocks of a message; a string is one block of text."""
    content = message["content"]
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return list(content)


def turns_of(messages: list[dict[str, Json]]) -> Iterator[tuple[int, str, list[dict[str, Json]]]]:
    """Yield (index of its first message, role, blocks) of each turn: messages of one role in a row are one."""
    first, role, blocks = 0, "", list[dict[str, Json]]()
    for index, message in enumerate(messages):
        if message["role"] != role:
            if role:
                yield first, role, blocks
            first, role, blocks = index, message["role"], []
        blocks += blocks_of(message)
    yield first, role, blocks


def check_thoughts_lead(messages: list[dict[str, Json]]) -> None:
    """Refuse a final assistant turn without its thinking in front, as the vendor does where a thinking budget is set. Raises Refused.

    A turn here begins after the last words of the user and goes on through calls and results.
    """
    turn: list[tuple[int, list[dict[str, Json]]]] = []
    for index, role, blocks in turns_of(messages):
        if role == "assistant":
            turn.append((index, blocks))
        elif not any(block["type"] == "tool_result" for block in blocks):
            turn = []
    for index, blocks in turn[:1]:
        kind = blocks[0]["type"] if blocks else "nothing"
        if kind not in _THOUGHTS:
            raise Refused(
                f"messages.{index}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{kind}`. "
                "When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of "
                "`tool_use` and `tool_result` blocks). To avoid this requirement, disable `thinking`."
            )


def _check_message(message: Json, *, where: str, last: bool) -> None:
    must_be(message, dict, where=where)
    only(message, ("role", "content"), where=f"{where}.")
    role = required(message, "role", str, where=f"{where}.")
    if role == "system":
        raise Refused(
            'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an input message '
            "role."
        )
    if role not in ("user", "assistant"):
        raise Refused(f'messages: Unexpected role "{role[:80]}". Allowed roles are "user" or "assistant".')
    if "content" not in message:
        raise Refused(f"{where}.content: Field required")
    content = message["content"]
    if not isinstance(content, str):
        must_be(content, list, where=f"{where}.content")
    elif content and not content.strip():
        raise Refused("messages: text content blocks must contain non-whitespace text")
    if not content and not (last and role == "assistant"):
        raise Refused(f"{where}: all messages must have non-empty content except for the optional final assistant message")
    if not isinstance(content, str):
        for number, block in enumerate(content):
            check_block(block, where=f"{where}.content.{number}", role=role)


def _check_prefill(message: dict[str, Json]) -> None:
    blocks = blocks_of(message)
    if message["role"] == "assistant" and blocks and blocks[-1]["type"] == "text" and blocks[-1]["text"] != blocks[-1]["text"].rstrip():
        raise Refused("messages: final assistant content cannot end with trailing whitespace")


def _check_pairing(messages: list[dict[str, Json]]) -> None:
    """Each call is answered first thing in the next turn, and nothing is answered that was not called just before."""
    calls: set[str] = set()
    called_at = 0
    seen: set[str] = set()
    for index, role, blocks in turns_of(messages):
        if role == "user":
            _check_results(blocks, calls=calls, called_at=called_at, index=index)
            calls = set()
            continue
        ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
        called_at, calls = index, set(ids)
        if len(calls) < len(ids) or not seen.isdisjoint(calls):
            raise Refused("messages: `tool_use` ids must be unique")
        seen |= calls
    _refuse_open(calls, called_at)


def _check_results(blocks: list[dict[str, Json]], *, calls: set[str], called_at: int, index: int) -> None:
    answered: set[str] = set()
    leading = True
    for number, block in enumerate(blocks):
        if block["type"] != "tool_result":
            leading = False
            continue
        answers = block["tool_use_id"]
        if answers not in calls:
            raise Refused(
                f"messages.{index}.content.{number}: unexpected `tool_use_id` found in `tool_result` blocks: {answers}. Each `tool_result` "
                "block must have a corresponding `tool_use` block in the previous message."
            )
        if answers in answered:
            raise Refused(
                f"messages.{index}.content.{number}: each tool_use must have a single result. Found multiple `tool_result` blocks with id: "
                f"{answers}"
            )
        if leading:
            answered.add(answers)
    _refuse_open(calls - answered, called_at)


def _refuse_open(calls: set[str], called_at: int) -> None:
    if calls:
        named = ", ".join(sorted(calls)[:MAX_NAMED])
        raise Refused(
            f"messages.{called_at}: `tool_use` ids were found without `tool_result` blocks immediately after: {named}. "
            "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
        )


def _check_pictures(messages: list[dict[str, Json]]) -> None:
    pictures = [block for message in messages for block in blocks_of(message) if block["type"] == "image"]
    if len(pictures) > MAX_PICTURES:
        raise Refused(f"messages: Too many images in request: {len(pictures)} > {MAX_PICTURES}")
    if len(pictures) <= MANY_PICTURES:
        return
    for picture in pictures:
        source = picture["source"]
        if source.get("media_type") in MEDIA_TYPES and max(open_picture(decode_base64(source["data"])).size) > MANY_PICTURES_PX:
            raise Refused(
                f"messages: At least one of the image dimensions exceed max allowed size for many-image requests: {MANY_PICTURES_PX} pixels"
            )
