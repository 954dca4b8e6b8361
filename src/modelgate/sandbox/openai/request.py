"""A chat request that passed OpenAI's checks, read for the make-believe model."""

from modelgate.core.records import Json
from modelgate.sandbox.chat_ask import ChatAsk, Tool, ToolMode
from modelgate.sandbox.magic import read_magic
from modelgate.sandbox.openai.chat_audio import describe_sounds, sounds_of
from modelgate.sandbox.openai.checks import REASONING_MODEL, THINKING_MODEL

_TIERS = {"flex": "flex", "scale": "scale", "priority": "priority", "fast": "priority"}
"""What is answered of the speed class that was asked for."""

_REASONING_TOKENS = {"none": 0, "minimal": 0, "low": 32, "medium": 64, "high": 128, "xhigh": 256, "max": 512}


def read_chat(body: dict[str, Json]) -> ChatAsk:
    """Return the request behind a body that `check_chat` let pass."""
    messages: list[dict[str, Json]] = body["messages"]
    last_user = next((message for message in reversed(messages) if message["role"] == "user"), {})
    sounds = sounds_of(last_user)
    written = text_of(last_user)
    magic = read_magic(body["model"], written or "\n".join(sound.text or "" for sound in sounds))
    stop, wanted, options = body.get("stop"), body.get("response_format") or {}, body.get("stream_options") or {}
    limit = body.get("max_completion_tokens")
    tools, mode = _tools(body)
    return ChatAsk(
        model=body["model"],
        messages=messages,
        magic=magic,
        text=magic.text,
        images=tuple(_images(last_user)),
        documents=describe_sounds(sounds) if written or not magic.text else (),  # who only speaks is answered as if it were written
        results=tuple(_results(messages)),
        stream=bool(body.get("stream")),
        include_usage=bool(options.get("include_usage")),
        obfuscated=bool(options.get("include_obfuscation")),
        n=body.get("n") or 1,
        stops=tuple(stop if isinstance(stop, list) else [stop] if stop else []),
        limit=limit if limit is not None else body.get("max_tokens"),
        top_logprobs=(body.get("top_logprobs") or 0) if body.get("logprobs") else None,
        tools=tools,
        definitions=body.get("tools") or body.get("functions"),
        mode=mode,
        parallel=body.get("parallel_tool_calls") is not False and not body.get("functions"),
        legacy=bool(body.get("functions")),
        tier=_TIERS.get(body.get("service_tier") or "", "default"),
        format=wanted.get("type", "text"),
        schema=(wanted.get("json_schema") or {}).get("schema"),
        hidden_tokens=_REASONING_TOKENS[body.get("reasoning_effort") or "medium"] if REASONING_MODEL.match(body["model"]) else 0,
        thinks=THINKING_MODEL.search(body["model"]) is not None,
    )


def text_of(message: dict[str, Json]) -> str:
    """Return the text of a message, parts joined by line ends."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""


def _images(message: dict[str, Json]) -> list[tuple[str, str]]:
    content = message.get("content")
    parts = [part["image_url"] for part in content if part["type"] == "image_url"] if isinstance(content, list) else []
    return [(part["url"], part.get("detail") or "auto") for part in parts]


def _results(messages: list[dict[str, Json]]) -> list[tuple[str, str]]:
    """Return what tools answered since the last turn that was not a tool's; empty when the user spoke last."""
    trailing: list[dict[str, Json]] = []
    for message in reversed(messages):
        if message["role"] not in ("tool", "function"):
            break
        trailing.insert(0, message)
    calls = [call for message in messages for call in message.get("tool_calls") or ()]
    names = {call["id"]: call[call["type"]]["name"] for call in calls}
    return [(message.get("name") or names.get(message.get("tool_call_id"), "the tool"), text_of(message)) for message in trailing]


def _tools(body: dict[str, Json]) -> tuple[tuple[Tool, ...], ToolMode]:
    """Return the tools that may be called, and how they must be."""
    if body.get("functions"):
        tools = [Tool(name=function["name"], parameters=function.get("parameters")) for function in body["functions"]]
        choice = body.get("function_call") or "auto"
        chosen = choice.get("name") if isinstance(choice, dict) else None
    else:
        tools = [_tool(tool) for tool in body.get("tools") or ()]
        choice = body.get("tool_choice") or "auto"
        if isinstance(choice, dict) and choice["type"] == "allowed_tools":
            return _allowed(tools, choice["allowed_tools"])
        chosen = choice[choice["type"]]["name"] if isinstance(choice, dict) else None
    if chosen is not None:
        return tuple(tool for tool in tools if tool.name == chosen), "named"
    mode: ToolMode = "none" if not tools or choice == "none" else "required" if choice == "required" else "auto"
    return tuple(tools), mode


def _tool(tool: dict[str, Json]) -> Tool:
    definition = tool[tool["type"]]
    return Tool(name=definition["name"], custom=tool["type"] == "custom", parameters=definition.get("parameters"))


def _allowed(tools: list[Tool], allowed: dict[str, Json]) -> tuple[tuple[Tool, ...], ToolMode]:
    given = allowed.get("tools")
    names = [_named(entry) for entry in given if isinstance(entry, dict)] if isinstance(given, list) else []
    kept = tuple(tool for tool in tools if tool.name in names)
    mode: ToolMode = "required" if allowed.get("mode") == "required" else "auto"
    return kept, mode if kept else "none"


def _named(entry: dict[str, Json]) -> Json:
    """Return the name that an allowed tool is listed by: in the words of a chat or of a response."""
    kind = entry.get("type")
    inner = entry.get(kind) if isinstance(kind, str) else None
    return (inner if isinstance(inner, dict) else entry).get("name")
