"""A page as Markdown, for readers without a browser: language models, terminals."""

from collections.abc import Iterable, Sequence

import msgspec

from modelgate.core.records import Json
from modelgate.portal.pages import Answer, EndpointPart, ErrorRow, Example, Field, KeyKind, Page

_KEYS: dict[KeyKind, str] = {
    "key": "Needs a key: `Authorization: Bearer sk-…`.",
    "access_key": "Needs a member's access key: `Authorization: Bearer ak-…`.",
    "": "Needs no key.",
}
_STATUS_WORDS = {200: "Success", 201: "Created", 204: "No content"}


def render_markdown(page: Page, *, base_url: str) -> str:
    """Return the whole page."""
    parts = [f"# {page.title}", page.prose.strip()]
    if page.endpoint is not None:
        parts += _endpoint(page.endpoint, base_url)
    if page.object is not None:
        parts += ["## Fields", *_fields(page.object.fields), "## Example", _answer_example(page.object)]
    if page.samples is not None:
        for sample in page.samples.files:
            parts += [f"## {sample.title}", _code(page.samples.language, sample.code)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _endpoint(part: EndpointPart, base_url: str) -> list[str]:
    paid = f" Paid by {part.price_unit}." if part.price_unit else ""
    parts = [f"`{part.method} {part.path}`", _KEYS[part.key_kind] + paid]
    for title, fields in (
        ("Path", part.parameters.path),
        ("Query", part.parameters.query),
        ("Headers", part.parameters.header),
        ("Body", part.request.fields if part.request is not None else ()),
    ):
        if fields:
            parts += [f"## {title}", *_fields(fields)]
    parts += ["## Request", _curl(part.example, base_url, needs_key=part.needs_key)]
    parts += [f"## Response: {part.response.status} {_STATUS_WORDS.get(part.response.status, '')}".rstrip()]
    parts += [*_fields(part.response.fields), _answer_example(part.response), "## Errors", _errors(part.errors)]
    for more in part.more:
        parts += [f"## {more.title}", more.prose, _curl(more.example, base_url, needs_key=part.needs_key), _answer_example(more.answer)]
    return parts


def _fields(fields: Sequence[Field]) -> list[str]:
    return ["\n".join(_field_lines(fields, depth=0))] if fields else []


def _field_lines(fields: Iterable[Field], *, depth: int) -> Iterable[str]:
    for field in fields:
        facts = [field.type + (" or null" if field.nullable else ""), "required" if field.required else ""]
        if field.enum:
            facts.append("one of " + ", ".join(f"`{_json(value)}`" for value in field.enum))
        facts += [_range(field.minimum, field.maximum, ""), _range(field.min_length, field.max_length, " long")]
        facts.append(f"default `{_json(field.default)}`" if field.default is not None else "")
        words = f": {field.description}" if field.description else ""
        yield f"{'  ' * depth}- `{field.name}` ({', '.join(fact for fact in facts if fact)}){words}"
        yield from _field_lines(field.children, depth=depth + 1)


def _range(low: float | None, high: float | None, unit: str) -> str:
    if low is None and high is None:
        return ""
    if high is None:
        return f"at least {low:g}{unit}"
    return f"at most {high:g}{unit}" if low is None else f"{low:g} to {high:g}{unit}"


def _curl(example: Example, base_url: str, *, needs_key: bool) -> str:
    query = "&".join(f"{name}={value}" for name, value in example.query)
    lines = [f"curl --location --request {example.method} '{base_url}{example.path}{'?' + query if query else ''}'"]
    if needs_key:
        lines.append('--header "Authorization: Bearer $MODELGATE_KEY"')
    lines += [f"--header '{name}: {value}'" for name, value in example.headers]
    if example.parts is not None:
        for part in example.parts:
            value = f"@{part.file.filename}" if part.file is not None else part.value or ""
            lines.append(f"--form '{part.name}={_quoted(value)}'")
    elif example.body is not None:
        lines += [f"--header 'Content-Type: {example.content_type}'", f"--data-raw '{_quoted(_pretty(example.body))}'"]
    return _code("sh", " \\\n  ".join(lines))


def _answer_example(answer: Answer) -> str:
    if answer.example is not None:
        return _code("json", _pretty(answer.example))
    if answer.content_type.startswith(("text/event-stream", "text/plain")):
        return _code("", answer.text or "")
    return answer.text or ""


def _errors(rows: Sequence[ErrorRow]) -> str:
    lines = ["| status | code | meaning |", "|---|---|---|"]
    return "\n".join(lines + [f"| {row.status} | {row.code or '-'} | {row.message.replace('|', ' ')} |" for row in rows])


def _code(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def _quoted(text: str) -> str:
    return text.replace("'", "'\\''")


def _json(value: Json) -> str:
    return msgspec.json.encode(value).decode()


def _pretty(value: Json) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
