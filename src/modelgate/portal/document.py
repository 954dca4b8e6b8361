"""One document of the site, and the paths under which documents are found: all that a server knows before somebody reads."""

import hashlib

import msgspec

DATA_PATH = "/docs/data/"
PAGE_DATA_PATH = DATA_PATH + "pages/"
PAGES_PATH = "/docs/"

JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"
MARKDOWN = "text/markdown; charset=utf-8"


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is handed out as it is."""

    content_type: str
    body: bytes
    etag: str


def document_of(content_type: str, body: bytes) -> Document:
    """Return a document under the tag of its content."""
    return Document(content_type=content_type, body=body, etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"')
