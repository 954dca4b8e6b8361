"""What a chat asks of the make-believe model, whichever vendor's words it came in."""

from typing import Literal

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.magic import Magic

ToolMode = Literal["none", "auto", "required", "named"]


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """One offered tool. `custom` tools take plain text instead of JSON arguments."""

    name: str
    custom: bool = False
    parameters: Json = None


class ChatAsk(msgspec.Struct, frozen=True, kw_only=True):
    """One chat request. `text` is the last user text without magic; `results` are (tool name, content) after the last call.

    What decides the answer. `images`: (URL or data URL, detail). `documents`: sentences about documents that were shown. `limit`: most
    output tokens of one choice, None for no limit. `hidden_tokens`: spent on reasoning that nobody sees. `thinks`: reasons aloud, in
    `Choice.thought`. `announces`: says which tools it calls before calling any. `begun`: how the answer already begins.

    What only OpenAI's wire has. `messages`, `definitions`: as sent, for counting. `top_logprobs` None: no logprobs asked. `legacy`: the
    tools came as `functions`. `tier`: the speed class that was used.
    """

    model: str
    magic: Magic
    text: str
    images: tuple[tuple[str, str], ...] = ()
    documents: tuple[str, ...] = ()
    results: tuple[tuple[str, str], ...] = ()
    stream: bool = False
    stops: tuple[str, ...] = ()
    limit: int | None = None
    tools: tuple[Tool, ...] = ()
    mode: ToolMode = "none"
    parallel: bool = True
    format: str = "text"
    schema: Json = None
    hidden_tokens: int = 0
    thinks: bool = False
    announces: bool = False
    begun: str = ""

    messages: list[dict[str, Json]] = []
    definitions: Json = None
    n: int = 1
    include_usage: bool = False
    obfuscated: bool = False
    top_logprobs: int | None = None
    legacy: bool = False
    tier: str = "default"
