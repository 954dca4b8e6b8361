import asyncio
import base64

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.chat.request import ChatRequest, Image, Message, Text, ToolResult
from modelgate.gateway import chat_inputs
from modelgate.gateway.chat_inputs import FetchedImages
from modelgate.transport.errors import BodyTooLong, ConnectFailed
from modelgate.transport.guard import Fetched, UrlRefused

pytestmark = pytest.mark.anyio
PNG = b"\x89PNG\r\n\x1a\n rest"


class Web:
    """Serves what it is told to, and counts."""

    def __init__(self, **pages: bytes | Exception) -> None:
        self.pages = pages
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0

    async def fetch(self, url: str, **_more: object) -> Fetched:
        self.asked.append(url)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        found = self.pages[url.rpartition("/")[2].partition("?")[0]]
        if isinstance(found, Exception):
            raise found
        return Fetched(body=found, content_type="image/jpg", final_url=url)


def asking(*parts: object) -> ChatRequest:
    return ChatRequest(model="m", messages=(Message(role="user", parts=parts),))  # type: ignore[arg-type]


async def test_addresses_become_bytes_wherever_they_stand_and_each_is_fetched_once() -> None:
    web = Web(a=PNG)
    shown = Image(url="https://x.example/a", detail="low")
    request = asking(Text(text="see"), shown, ToolResult(call_id="c", parts=(shown,)), Image(data="AAAA", media_type="image/png"))
    inlined = await FetchedImages(web).inline(request)  # type: ignore[arg-type]
    _, image, result, own = inlined.messages[0].parts
    data = base64.b64encode(PNG).decode()
    assert image == Image(data=data, media_type="image/png", detail="low")
    assert isinstance(result, ToolResult)
    assert result.parts == (image,)
    assert own == Image(data="AAAA", media_type="image/png")
    assert web.asked == ["https://x.example/a"]


async def test_addresses_that_a_vendor_understands_stay() -> None:
    web = Web()
    request = asking(Image(url="https://www.youtube.com/watch?v=1"), Image(url="gs://bucket/x.png"))
    assert await FetchedImages(web).inline(request) == request  # type: ignore[arg-type]
    assert web.asked == []


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (UrlRefused("the URL's address is not a public one"), "invalid_image_url"),
        (BodyTooLong("too long"), "image_too_large"),
        (ConnectFailed("down"), "invalid_image_url"),
        (b"<html>", "invalid_image_url"),
    ],
)
async def test_what_gives_no_picture_is_the_callers_fault(page: bytes | Exception, code: str) -> None:
    web = Web(a=page)
    if isinstance(page, bytes):
        request = asking(Image(url="https://x.example/a"))
        web.fetch = _as_html(page)  # type: ignore[method-assign]
    request = asking(Image(url="https://x.example/a"))
    with pytest.raises(InvalidRequest) as refused:
        await FetchedImages(web).inline(request)  # type: ignore[arg-type]
    assert refused.value.code == code
    assert "https://x.example/a" in refused.value.message


def _as_html(body: bytes):  # type: ignore[no-untyped-def]
    async def fetch(url: str, **_more: object) -> Fetched:
        return Fetched(body=body, content_type="text/html", final_url=url)

    return fetch


async def test_too_many_are_refused_and_few_are_fetched_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    web = Web(a=PNG)
    many = [Image(url=f"https://x.example/a?{number}") for number in range(chat_inputs.MAX_IMAGES + 1)]
    with pytest.raises(InvalidRequest):
        await FetchedImages(web).inline(asking(*many))  # type: ignore[arg-type]
    await FetchedImages(web).inline(asking(*many[1:]))  # type: ignore[arg-type]
    assert web.most_at_once <= chat_inputs.MAX_CONCURRENT_FETCHES
    monkeypatch.setattr(chat_inputs, "MAX_TOTAL_BYTES", 30)
    with pytest.raises(InvalidRequest) as refused:
        await FetchedImages(web).inline(asking(*many[:3]))  # type: ignore[arg-type]
    assert refused.value.code == "image_too_large"


async def test_symptom_one_picture_named_a_thousand_times_filled_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was fetched once, counted once, and written into the request for each time it was named."""
    monkeypatch.setattr(chat_inputs, "MAX_TOTAL_BYTES", 50)
    shown = Image(url="https://x.example/a")
    assert await FetchedImages(Web(a=PNG)).inline(asking(shown, shown))  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest) as refused:
        await FetchedImages(Web(a=PNG)).inline(asking(shown, ToolResult(call_id="c", parts=(shown, shown))))  # type: ignore[arg-type]
    assert refused.value.code == "image_too_large"


async def test_symptom_pictures_that_were_too_large_together_were_all_fetched_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty-two of twenty megabytes lay in memory before they were counted; and a failure left the others fetching."""
    monkeypatch.setattr(chat_inputs, "MAX_CONCURRENT_FETCHES", 1)
    monkeypatch.setattr(chat_inputs, "MAX_TOTAL_BYTES", 30)
    web = Web(a=PNG)
    many = [Image(url=f"https://x.example/a?{number}") for number in range(20)]
    with pytest.raises(InvalidRequest):
        await FetchedImages(web).inline(asking(*many))  # type: ignore[arg-type]
    assert len(web.asked) < 5
