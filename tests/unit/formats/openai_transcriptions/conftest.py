from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from modelgate.core.http import HeaderBlock, HttpRequest

Ask = Callable[..., HttpRequest]
SOUND = ("kite.mp3", b"\xff\xfb" + bytes(80_000), "audio/mpeg")


@pytest.fixture
def ask() -> Ask:
    """Make a form of fields, a sound among them unless told otherwise."""

    def make(*files: tuple[str, Any], **fields: Any) -> HttpRequest:
        sent = httpx2.Request("POST", "http://gateway.example", data=fields, files=list(files) or [("file", SOUND)])
        headers = HeaderBlock(b"content-type: %b\r\n" % sent.headers["content-type"].encode())
        return HttpRequest(method="POST", path="/v1/audio/transcriptions", headers=headers, body=sent.read(), id="req_1")

    return make
