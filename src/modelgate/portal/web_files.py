"""The built site, from the folder that the build writes: one page of HTML, and what it loads."""

from pathlib import Path

from modelgate.portal.document import Document, document_of

WEB_FOLDER = Path(__file__).parent / "web"
INDEX = "index.html"
MAX_FILES = 1_000
"""A build has some dozens."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


class WebFiles:
    """Files by their path in the folder. They are read when first asked for, and again when a build has changed them."""

    def __init__(self, folder: Path = WEB_FOLDER) -> None:
        self._folder = folder
        self._read: dict[str, tuple[tuple[int, int], Document]] = {}

    def find(self, name: str) -> Document | None:
        """Return a file of the build by its path; None when there is none, it is of no kind that a browser loads, or there is no build."""
        path = self._folder / name
        content_type = _TYPES.get(path.suffix)
        if content_type is None or not _is_plain(name) or not path.is_file():
            return None
        facts = path.stat()
        stamp = (facts.st_mtime_ns, facts.st_size)
        known = self._read.get(name)
        if known is None or known[0] != stamp:
            if len(self._read) >= MAX_FILES:
                self._read.clear()
            known = self._read[name] = (stamp, document_of(content_type, path.read_bytes()))
        return known[1]


def _is_plain(name: str) -> bool:
    """Return whether a path stays in its folder: no empty or dotted segments, nothing that is encoded."""
    return all(segment and not segment.startswith(".") and "\\" not in segment and "%" not in segment for segment in name.split("/"))
