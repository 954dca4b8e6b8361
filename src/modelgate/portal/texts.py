"""The texts of the portal: guides and their programs, the handbook, and answers as they were recorded."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from modelgate.core.records import Json
from modelgate.portal.markdown import with_links, without_title
from modelgate.portal.pages import SampleFile

FOLDER = Path(__file__).parent
BASE_URL = "{{base_url}}"
"""Stands in guides for this instance's address."""
HANDBOOK_URL = "http://127.0.0.1:8080"
"""Stands for it in the handbook, which is also read where nothing runs."""
VENDORS_PAGE = "providers.md"
"""Addresses there are others'."""
PAGES_PATH = "/docs/"

_SAMPLES = "samples:"
_HANDBOOK_LINK = re.compile(r"(?:docs/)?([\w-]+)\.md(#.*)?")


class Guide(msgspec.Struct, frozen=True, kw_only=True):
    """A text in Markdown, and the programs that it shows."""

    text: str
    samples: tuple[SampleFile, ...] = ()


class RecordedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as a server gave it. `body` is JSON, or text where the content type says so."""

    status: int
    content_type: str
    body: Json


class Texts:
    """What lies in the portal's folder. `slugs` names the page of each file of the handbook."""

    def __init__(self, *, base_url: str, slugs: Mapping[str, str], folder: Path = FOLDER) -> None:
        self._base_url = base_url
        self._slugs = slugs
        self._folder = folder

    def guide(self, slug: str) -> Guide | None:
        """Return a guide, None where there is none."""
        path = self._folder / "guides" / f"{slug}.md"
        if not path.is_file():
            return None
        text, samples = path.read_text(encoding="utf-8"), ""
        if text.startswith(_SAMPLES):
            samples, _, text = text.partition("\n")
        text = without_title(text.lstrip("\n")).replace(BASE_URL, self._base_url)
        return Guide(text=text.rstrip() + "\n", samples=tuple(self._sample(name) for name in samples.removeprefix(_SAMPLES).split()))

    def handbook(self, file: str) -> str:
        """Return a page of the handbook, its links leading to pages of the site, its calls to this instance."""
        text = (self._folder / "handbook" / file).read_text(encoding="utf-8")
        if file != VENDORS_PAGE:
            text = text.replace(HANDBOOK_URL, self._base_url)
        return with_links(without_title(text), self._link).rstrip() + "\n"

    def answer(self, endpoint: str, case: str) -> RecordedAnswer | None:
        """Return what was recorded of a case, None where nothing was."""
        path = self._folder / "answers" / f"{endpoint}-{case}.http"
        return parse_answer(path.read_text(encoding="utf-8")) if path.is_file() else None

    def _link(self, target: str) -> str:
        found = _HANDBOOK_LINK.fullmatch(target)
        if found is None or f"{found[1]}.md" not in self._slugs:
            return target
        return f"{PAGES_PATH}{self._slugs[f'{found[1]}.md']}{found[2] or ''}"

    def _sample(self, name: str) -> SampleFile:
        code = (self._folder / "samples" / name).read_text(encoding="utf-8")
        title = (ast.get_docstring(ast.parse(code)) or name).partition("\n")[0].rstrip(".")
        return SampleFile(title=title, name=name, code=code)


def parse_answer(text: str) -> RecordedAnswer:
    """Read an answer: its status, its content type, an empty line, its body. Raises ValueError for anything else."""
    head, empty, body = text.partition("\n\n")
    status, separator, content_type = head.partition("\ncontent-type: ")
    if not (empty and separator and status.startswith("HTTP ")):
        raise ValueError("a recorded answer begins with `HTTP 200` and `content-type: …`, then an empty line")
    is_json = content_type.startswith("application/json")
    return RecordedAnswer(
        status=int(status.removeprefix("HTTP ")),
        content_type=content_type,
        body=msgspec.json.decode(body) if is_json else body.rstrip("\n") + "\n",
    )


def render_answer(answer: RecordedAnswer) -> str:
    """Write an answer as `parse_answer` reads it."""
    body = answer.body
    text = body if isinstance(body, str) else msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
    return f"HTTP {answer.status}\ncontent-type: {answer.content_type}\n\n{text.rstrip()}\n"
