"""What Markdown says, as far as the site needs to know it: headings with their anchors, links, plain words."""

import re
from collections.abc import Callable, Iterator

_FENCE = re.compile(r"^\s*(```|~~~)")
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")
_INLINE = re.compile(r"[`*]|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)|^\s*(?:[-*]|\d+\.|>)\s+|^\s*\|?(?:\s*:?-{2,}:?\s*\|)+.*$", re.MULTILINE)
_NO_ANCHOR = re.compile(r"[^\w\s-]")
_SPACE = re.compile(r"\s+")


def lines_of(text: str) -> Iterator[tuple[str, bool]]:
    """Yield every line, and whether it stands in a fenced block (the fences among them)."""
    fence = ""
    for line in text.splitlines():
        found = _FENCE.match(line)
        if found and not fence:
            fence = found[1]
            yield line, True
        elif found and found[1] == fence:
            fence = ""
            yield line, True
        else:
            yield line, bool(fence)


def headings_of(text: str) -> tuple[tuple[str, str], ...]:
    """Return (anchor, title) of every heading, anchors as GitHub makes them."""
    found: list[tuple[str, str]] = []
    taken: dict[str, int] = {}
    for line, fenced in lines_of(text):
        heading = None if fenced else _HEADING.match(line)
        if heading is None:
            continue
        title = plain_of(heading[2])
        anchor = _NO_ANCHOR.sub("", title.lower()).replace(" ", "-")
        number = taken.get(anchor, 0)
        taken[anchor] = number + 1
        found.append((f"{anchor}-{number}" if number else anchor, title))
    return tuple(found)


def links_of(text: str) -> tuple[str, ...]:
    """Return the targets of the links outside of code."""
    return tuple(target for line, fenced in lines_of(text) if not fenced for _, target in _LINK.findall(line))


def with_links(text: str, change: Callable[[str], str]) -> str:
    """Return the text with every link's target changed; code stays as it is."""
    lines = [line if fenced else _LINK.sub(lambda found: f"[{found[1]}]({change(found[2])})", line) for line, fenced in lines_of(text)]
    return "\n".join(lines)


def plain_of(text: str) -> str:
    """Return the words without their marks."""
    return _SPACE.sub(" ", _INLINE.sub("", _LINK.sub(r"\1", text)).replace("|", " ")).strip()


def first_paragraph(text: str) -> str:
    """Return the words of the first paragraph that is neither heading, list, table nor code."""
    gathered: list[str] = []
    for line, fenced in lines_of(text):
        if line.strip() and not fenced and not line.startswith(("#", "|", "    ", "* ", "- ")):
            gathered.append(line)
        elif gathered:
            break
    return plain_of("\n".join(gathered))


def without_title(text: str) -> str:
    """Return the text without a first heading of the first level: a page has its title from the navigation."""
    head, _, rest = text.lstrip().partition("\n")
    return rest.lstrip("\n") if head.startswith("# ") else text
