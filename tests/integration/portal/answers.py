"""What a case of the documentation is answered with: sent as the page shows it, kept in a file, and compared by its shape."""

import json
import os
import re
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from modelgate.core.records import Json
from modelgate.portal.pages import Example
from modelgate.portal.texts import FOLDER, RecordedAnswer, parse_answer, render_answer

IS_RECORDING = os.environ.get("MODELGATE_RECORD") == "1"

KEPT_CHARACTERS = 48
LONG_CHARACTERS = 160
"""A longer text without a blank is a file in base64: its beginning is enough."""
MANY_ROWS = 20
KEPT_NUMBERS = 3
KEPT_EVENTS = (5, 3)
"""Of a long stream: so many from its beginning, and from its end."""
KEPT_ROWS = 3
"""Of a long list."""
CUT = "…"

READABLE = (
    (
        r"Picture 1 is at \S+, which the sandbox does not fetch, so it cannot say what it shows\.",
        "A cat with green eyes looks into the camera.",
    ),
    (r"Picture 1 is a PNG of 1x1 pixels; its dominant colour is pink\.", "A single pink pixel."),
    (r"This is the sandbox speaking as \S+ You said: “Which kite flew highest\?”", "A kite flew 4,879.54 m high in Australia in 2014."),
    (r"This is the sandbox speaking as \S+ You said: “How many letters has “kite”\?”", "“kite” has 4 letters."),
    (r"How many letters has “kite”\?'\)\)\n```\n\n```output\n28", "kite'))\n```\n\n```output\n4"),
    (r"This is the sandbox speaking as \S+ You said: “How many primes are below 20\?”", "There are 8 primes below 20."),
    (r"This is the sandbox speaking as \S+ You said: “How many primes are below 30\?”", "There are 10 primes below 30."),
    (r"This is the sandbox speaking as \S+ You said: “How many r are in strawberry\?”", "There are 3."),
    (r"This is the sandbox speaking as \S+ You said: “And in French\?”", "Bonjour !"),
    (r"This is the sandbox speaking as \S+ You said: “What is https://example.com about\?”", "A page for examples in documents."),
    (r"This is the sandbox speaking as \S+ You said: “Answer in JSON: one greeting\.”", "Hello!"),
    (r"This is the sandbox speaking as \S+ You said:.*", " there was a kite that wanted to see the sea."),
    (r"This is the sandbox speaking", " two, three, four"),
    (r"<div>The sandbox searched nothing\.</div>", "<div>…</div>"),
    (r"I can answer at once\.", "Counting gives the answer."),
    (r"http://sandbox/openai/files/", "https://vendor.example/files/"),
    (r"https://example.com/sandbox", "https://example.com/kites"),
    (r", drawn by the sandbox in", ", in"),
    (r"fp_sandbox", "fp_44709d6fcb"),
)
"""What the sandbox says of itself -> what a model might say: the pages are read for their shape, and words that make no sense hide it."""
READABLE_PIECES = (
    ('"content":"Picture"', '"content":"The"'),
    ('"content":" "', '"content":" picture"'),
    ('"content":"1"', '"content":" shows"'),
    ('"content":" is"', '"content":" a"'),
    ('"text":"This"', '"text":" there"'),
    ('"text":" is"', '"text":" was"'),
    ('"text":" the"', '"text":" a"'),
    ('"text":" sandbox"', '"text":" small"'),
    ('"text":" speaking"', '"text":" kite"'),
    ("fp_sandbox", "fp_44709d6fcb"),
)
"""The same for the pieces of streams."""


def send_example(base_url: str, example: Example, *, key: str, files: Mapping[str, bytes]) -> RecordedAnswer:
    """Send a request as a page shows it; return the whole answer. `files` are those that forms name."""
    query = "&".join(f"{name}={value}" for name, value in example.query)
    headers = {"Authorization": f"Bearer {key}", **dict(example.headers)}
    body = None
    if example.parts is not None:
        boundary = uuid.uuid4().hex
        body, headers["Content-Type"] = _form(example, boundary, files), f"multipart/form-data; boundary={boundary}"
    elif example.content_type:
        body, headers["Content-Type"] = json.dumps(example.body).encode(), example.content_type
    request = urllib.request.Request(base_url + example.path + (f"?{query}" if query else ""), body, headers, method=example.method)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return _answer(response.status, response.headers.get("content-type", ""), response.read())
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error.code, error.headers.get("content-type", ""), error.read())


def _form(example: Example, boundary: str, files: Mapping[str, bytes]) -> bytes:
    body = b""
    for part in example.parts or ():
        name = f'Content-Disposition: form-data; name="{part.name}"'
        if part.file is not None:
            head = f'{name}; filename="{part.file.filename}"\r\nContent-Type: {part.file.content_type}'
            body += f"--{boundary}\r\n{head}\r\n\r\n".encode() + files[part.file.filename] + b"\r\n"
        else:
            body += f"--{boundary}\r\n{name}\r\n\r\n{part.value}\r\n".encode()
    return body + f"--{boundary}--\r\n".encode()


def _answer(status: int, content_type: str, content: bytes) -> RecordedAnswer:
    plain = content_type.partition(";")[0]
    if plain == "application/json":
        return RecordedAnswer(status=status, content_type=plain, body=json.loads(content))
    if plain.startswith("text/"):
        return RecordedAnswer(status=status, content_type=plain, body=content.decode())
    return RecordedAnswer(
        status=status, content_type=plain, body=f"The file: {len(content):,} bytes of {plain}." if content else "No body."
    )


def compare_with_kept(answer: RecordedAnswer, name: str, *, ids: Mapping[str, str]) -> None:
    """Compare an answer with what is kept of it, or keep it anew; `ids`: what it is about -> how the documentation calls it."""
    path = FOLDER / "answers" / f"{name}.http"
    if IS_RECORDING:
        text = render_answer(shortened(answer))
        for real, shown in ids.items():
            text = text.replace(real, shown)
        path.write_text(text, encoding="utf-8")
    kept = parse_answer(path.read_text(encoding="utf-8"))
    assert (kept.status, kept.content_type) == (answer.status, answer.content_type)
    if kept.content_type == "text/event-stream":
        assert event_shapes(kept.body) <= event_shapes(answer.body)
    else:
        assert differences(kept.body, answer.body) == []


def shortened(answer: RecordedAnswer) -> RecordedAnswer:
    """Return an answer with files and vectors cut to their beginnings, and long streams to both ends."""
    body = answer.body
    if answer.content_type == "text/event-stream":
        events = [_shorten_event(event) for event in body.strip().split("\n\n")]
        first, last = KEPT_EVENTS
        if len(events) > first + last + 2:
            events = [*events[:first], CUT, *events[-last:]]
        body = "\n\n".join(events) + "\n"
        for words, better in READABLE_PIECES:
            body = body.replace(words, better)
    elif not isinstance(body, str):
        body = _shorten(body)
    return msgspec.structs.replace(answer, body=body)


def _shorten_event(event: str) -> str:
    lines = []
    for line in event.split("\n"):
        name, _, data = line.partition(": ")
        is_json = name == "data" and data.startswith("{")
        lines.append(f"data: {json.dumps(_shorten(json.loads(data)), ensure_ascii=False, separators=(',', ':'))}" if is_json else line)
    return "\n".join(lines)


def _shorten(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _shorten(inner) for name, inner in value.items()}
    if isinstance(value, list):
        is_vector = len(value) > KEPT_NUMBERS and all(isinstance(inner, float) for inner in value)
        return value[:KEPT_NUMBERS] if is_vector else [_shorten(inner) for inner in value[: KEPT_ROWS if len(value) > MANY_ROWS else None]]
    if not isinstance(value, str):
        return value
    for words, better in READABLE:
        value = re.sub(words, better, value)
    return re.sub(rf"\S{{{LONG_CHARACTERS},}}", lambda found: found[0][:KEPT_CHARACTERS] + CUT, value)


def differences(kept: Json, now: Json, at: str = "") -> list[str]:
    """Return where two answers differ in shape: fields that one has alone, and types. A null may stand for anything."""
    if kept is None or now is None:
        return []
    if isinstance(kept, dict) and isinstance(now, dict):
        alone = [f"{at}/{name}" for name in kept.keys() ^ now.keys()]
        return alone + [line for name in kept.keys() & now.keys() for line in differences(kept[name], now[name], f"{at}/{name}")]
    if isinstance(kept, list) and isinstance(now, list):
        return min((differences(kept[0], one, f"{at}/0") for one in now), key=len, default=[]) if kept else []
    same = type(kept) is type(now) or {type(kept), type(now)} == {int, float}
    return [] if same else [f"{at}: {type(kept).__name__} and {type(now).__name__}"]


def event_shapes(text: str) -> set[tuple[str, ...]]:
    """Return the kinds of events in a stream: their names, types and fields."""
    shapes: set[tuple[str, ...]] = set()
    for event in text.strip().split("\n\n"):
        said: Any = dict(line.partition(": ")[::2] for line in event.split("\n"))
        data = said.get("data", "")
        fields = sorted(json.loads(data)) if data.startswith("{") else [data]
        if event != CUT:
            shapes.add((str(said.get("event", "")), *fields))
    return shapes
