"""A message request that passed Anthropic's checks, read for the make-believe model."""

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.anthropic.block_checks import PDF
from modelgate.sandbox.anthropic.checks import is_thinking
from modelgate.sandbox.anthropic.message_checks import turns_of
from modelgate.sandbox.anthropic.tool_checks import is_custom
from modelgate.sandbox.chat_ask import ChatAsk, Tool, ToolMode
from modelgate.sandbox.magic import read_magic
from modelgate.sandbox.speaker import describe_picture
from modelgate.sandbox.vision import decode_base64

MAX_TITLE = 200
_MODES: dict[str, ToolMode] = {"auto": "auto", "any": "required", "tool": "named", "none": "none"}


class MessageAsk(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `omits`: thoughts are signed but not shown. `continues`: the answer goes on from a final assistant message."""

    chat: ChatAsk
    omits: bool
    continues: bool


def read_message(body: dict[str, Json]) -> MessageAsk:
    """Return the request behind a body that `check_create` let pass."""
    turns = [(role, blocks) for _, role, blocks in turns_of(body["messages"])]
    spoken = next((blocks for role, blocks in reversed(turns) if role == "user" and _speaks(blocks)), [])
    last_role, last = turns[-1]
    magic = read_magic(body["model"], text_of(spoken))
    config = (body.get("output_config") or {}).get("format") or {}
    tools, mode = _tools(body)
    chat = ChatAsk(
        model=body["model"],
        magic=magic,
        text=magic.text,
        images=tuple((picture_url(block), "auto") for block in spoken if block["type"] == "image"),
        documents=_documents(spoken),
        results=_results(last, names=_names(turns)) if last_role == "user" else (),
        stream=bool(body.get("stream")),
        stops=tuple(body.get("stop_sequences") or ()),
        limit=body["max_tokens"],
        tools=tools,
        mode=mode,
        parallel=not (body.get("tool_choice") or {}).get("disable_parallel_tool_use"),
        format="json_schema" if config else "text",
        schema=config.get("schema"),
        thinks=is_thinking(body),
        announces=mode == "auto",
        begun=text_of(last[-1:]) if last_role == "assistant" else "",
    )
    omits = is_thinking(body) and body["thinking"].get("display") == "omitted"
    return MessageAsk(chat=chat, omits=omits, continues=last_role == "assistant")


def text_of(blocks: list[dict[str, Json]]) -> str:
    """Return the text in some blocks, joined by line ends."""
    return "\n".join(block["text"] for block in blocks if block["type"] == "text")


def picture_url(block: dict[str, Json]) -> str:
    """Return where a picture is, as a data URL when it came along."""
    source = block["source"]
    return source["url"] if source["type"] == "url" else f"data:{source['media_type']};base64,{source['data']}"


def count_pages(pdf: bytes) -> int:
    """Return how many pages a PDF seems to have; those inside compressed parts are not seen."""
    return max(1, pdf.count(b"/Type /Page") + pdf.count(b"/Type/Page") - pdf.count(b"/Type /Pages") - pdf.count(b"/Type/Pages"))


def _speaks(blocks: list[dict[str, Json]]) -> bool:
    return any(block["type"] != "tool_result" for block in blocks)


def _names(turns: list[tuple[str, list[dict[str, Json]]]]) -> dict[str, str]:
    return {block["id"]: block["name"] for _, blocks in turns for block in blocks if block["type"] == "tool_use"}


def _results(blocks: list[dict[str, Json]], *, names: dict[str, str]) -> tuple[tuple[str, str], ...]:
    results = [block for block in blocks if block["type"] == "tool_result"]
    return tuple((names[block["tool_use_id"]], _result_text(block)) for block in results)


def _result_text(block: dict[str, Json]) -> str:
    content = block.get("content") or ""
    if isinstance(content, list):
        pictures = [describe_picture(picture_url(part), number) for number, part in enumerate(content, 1) if part["type"] == "image"]
        content = " ".join([text_of(content), *pictures, *_documents(content)]).strip()
    return f"Error: {content}" if block.get("is_error") else content


def _documents(blocks: list[dict[str, Json]]) -> tuple[str, ...]:
    """Return a sentence about each document and search result."""
    shown = [block for block in blocks if block["type"] in ("document", "search_result")]
    return tuple(_describe(block, number) for number, block in enumerate(shown, 1))


def _describe(block: dict[str, Json], number: int) -> str:
    title = f", “{block['title'][:MAX_TITLE]}”," if block.get("title") else ""
    if block["type"] == "search_result":
        return f"Document {number}{title} was found at {block['source'][:MAX_TITLE]} and has {len(text_of(block['content']))} characters."
    source = block["source"]
    match source["type"]:
        case "base64":
            pdf = decode_base64(source["data"])
            pages = count_pages(pdf)
            return f"Document {number}{title} is {PDF} of {pages} page{'s' if pages > 1 else ''} and {len(pdf)} bytes."
        case "text":
            return f"Document {number}{title} is text/plain of {len(source['data'])} characters."
        case "url":
            return f"Document {number}{title} is at {source['url'][:MAX_TITLE]}, which the sandbox does not fetch."
    content = source["content"]
    return f"Document {number}{title} has {len(content if isinstance(content, str) else text_of(content))} characters."


def _tools(body: dict[str, Json]) -> tuple[tuple[Tool, ...], ToolMode]:
    """Return the tools that may be called, and how they must be. The vendor's own tools are never called."""
    tools = [Tool(name=tool["name"], parameters=tool["input_schema"]) for tool in body.get("tools") or () if is_custom(tool)]
    choice = body.get("tool_choice") or {"type": "auto"}
    if choice["type"] == "tool":
        tools = [tool for tool in tools if tool.name == choice["name"]]
    return tuple(tools), _MODES[choice["type"]] if tools else "none"
