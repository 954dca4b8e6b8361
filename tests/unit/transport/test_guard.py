"""The URL guard."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from modelgate.core.http import HeaderBlock
from modelgate.transport.client import Transport
from modelgate.transport.errors import BadResponse, BodyTooLong, ConnectFailed, TimedOut
from modelgate.transport.guard import GuardedFetcher, UrlRefused, check_url
from modelgate.transport.target import Target, target_of


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.com/", "file:///etc/passwd", "gopher://x/", "javascript:alert(1)", "//example.com/", "example.com", ""),
        *("http://user@example.com/", "http://user:pass@example.com/", "http://@example.com/", "http://example.com\\@127.0.0.1/"),
        *("http://example.com:22/", "http://example.com:6379/", "http://example.com:99999/", "http://example.com:0/"),
        *("http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/latest", "http://[::ffff:10.0.0.1]/", "http://127.1/"),
        *("http://2130706433/", "http://exa mple.com/", "http://example.com/\r\nX: y", "http:///x", "http://[::1/", "http://" + "a" * 9000),
    ],
)
def test_a_url_of_the_wrong_form(url: str) -> None:
    with pytest.raises(UrlRefused):
        check_url(url)


def test_a_url_of_the_right_form() -> None:
    assert check_url("https://example.com/a?b=c").origin == "https://example.com"
    assert check_url("http://bücher.example:8080/").host == "xn--bcher-kva.example"
    assert check_url("http://example.com:81/", ports=(81,)).port == 81


class Site:
    """A make-believe internet: one server on a Unix socket, names told by `addresses`."""

    def __init__(self, directory: Path) -> None:
        self.path = str(directory / "site")
        self.pages: dict[bytes, bytes] = {}
        self.requests: list[bytes] = []
        self.addresses: dict[str, list[str]] = {}
        self.sent_to: list[Target] = []
        self.resolved: list[str] = []
        self.hangs_up = False

    async def resolve(self, host: str, _port: int) -> list[str]:
        self.resolved.append(host)
        if host not in self.addresses:
            raise OSError("no such name")
        return self.addresses[host]

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
                self.requests.append(head + await reader.readexactly(length))
                if self.hangs_up:
                    self.hangs_up = False
                    return
                writer.write(self.pages.get(head.split(b" ")[1], answer(b"", status=b"404 Not Found")))
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


def answer(body: bytes, *, status: bytes = b"200 OK", headers: bytes = b"Content-Type: image/png; q=1\r\n") -> bytes:
    return b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n" % len(body) + headers + b"\r\n" + body


def redirect(location: bytes) -> bytes:
    return answer(b"", status=b"302 Found", headers=b"Location: " + location + b"\r\n")


class Rerouted(Transport):
    """Sends what would go to a checked public address to the make-believe internet, and remembers where it would have gone."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site = site

    async def send(self, target: Target, **request: object) -> object:  # type: ignore[override]
        self.site.sent_to.append(target)
        if target.address == "8.8.8.8":
            raise ConnectFailed("nobody there")
        moved = msgspec.structs.replace(target, scheme="http", address="", socket=self.site.path)
        return await super().send(moved, **request)  # type: ignore[arg-type]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(tmp_path)
    server = await asyncio.start_unix_server(made.run, made.path)
    made.addresses["good.example"] = ["1.1.1.1"]
    yield made
    server.close()


@pytest.fixture
async def fetcher(site: Site) -> AsyncIterator[GuardedFetcher]:
    transport = Rerouted(site)
    yield GuardedFetcher(transport, resolve=site.resolve)
    await transport.close()


pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.anyio
async def test_a_file_is_fetched_from_the_address_that_was_checked(site: Site, fetcher: GuardedFetcher) -> None:
    site.pages[b"/a%20b?x=%C3%A9&y=1"] = answer(b"PNG")
    fetched = await fetcher.fetch(
        "http://good.example/a b?x=é&y=1".replace(" ", "%20"), max_bytes=3, timeout_s=5, content_types=("image/",)
    )
    assert (fetched.body, fetched.content_type) == (b"PNG", "image/png")
    assert [(target.host, target.address) for target in site.sent_to] == [("good.example", "1.1.1.1")]
    assert site.resolved == ["good.example"]
    assert site.requests[0].split(b"\r\n")[1:] == [b"Host: good.example", b"Accept: */*", b"User-Agent: modelgate", b"", b""]


@pytest.mark.anyio
@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["1.1.1.1", "10.0.0.1"], ["::1"], ["::ffff:10.0.0.1"]])
async def test_a_name_with_any_inner_address_is_refused(site: Site, fetcher: GuardedFetcher, addresses: list[str]) -> None:
    site.addresses["bad.example"] = addresses
    with pytest.raises(UrlRefused):
        await fetcher.fetch("http://bad.example/", max_bytes=10, timeout_s=5)
    assert site.sent_to == []


@pytest.mark.anyio
async def test_the_next_address_is_tried(site: Site, fetcher: GuardedFetcher) -> None:
    site.addresses["two.example"] = ["8.8.8.8", "1.0.0.1"]
    site.pages[b"/"] = answer(b"x")
    assert (await fetcher.fetch("http://two.example", max_bytes=10, timeout_s=5)).body == b"x"
    assert [target.address for target in site.sent_to] == ["8.8.8.8", "1.0.0.1"]


@pytest.mark.anyio
async def test_an_unknown_name(fetcher: GuardedFetcher) -> None:
    with pytest.raises(ConnectFailed):
        await fetcher.fetch("http://none.example/", max_bytes=10, timeout_s=5)


@pytest.mark.anyio
async def test_redirects_are_followed_and_counted(site: Site, fetcher: GuardedFetcher) -> None:
    site.pages |= {b"/1": redirect(b"/2"), b"/2": redirect(b"http://good.example/3"), b"/3": redirect(b"4"), b"/4": answer(b"end")}
    fetched = await fetcher.fetch("http://good.example/1", max_bytes=10, timeout_s=5)
    assert (fetched.body, fetched.final_url) == (b"end", "http://good.example/4")
    site.pages[b"/0"] = redirect(b"/1")
    with pytest.raises(UrlRefused, match="redirects"):
        await fetcher.fetch("http://good.example/0", max_bytes=10, timeout_s=5)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "location",
    [
        b"http://127.0.0.1/",
        b"http://inner.example/",
        b"//[::1]/",
        b"file:///etc/passwd",
        b"http://u@good.example/",
        b"http://good.example:22/",
    ],
)
async def test_a_redirect_inside_is_refused(site: Site, fetcher: GuardedFetcher, location: bytes) -> None:
    site.addresses["inner.example"] = ["192.168.0.1"]
    site.pages[b"/"] = redirect(location)
    with pytest.raises(UrlRefused):
        await fetcher.fetch("http://good.example/", max_bytes=10, timeout_s=5)
    assert len(site.sent_to) == 1


@pytest.mark.anyio
async def test_a_redirect_from_https_to_http_is_refused(site: Site, fetcher: GuardedFetcher) -> None:
    site.pages[b"/"] = redirect(b"http://good.example/plain")
    with pytest.raises(UrlRefused, match="https"):
        await fetcher.fetch("https://good.example/", max_bytes=10, timeout_s=5)


@pytest.mark.anyio
async def test_an_exempt_origin_goes_to_its_own_target(site: Site, fetcher: GuardedFetcher) -> None:
    site.pages[b"/file.png"] = answer(b"PNG")
    exempt = {"http://sandbox": target_of("http://sandbox", socket=site.path)}
    assert (await fetcher.fetch("http://sandbox/file.png", max_bytes=10, timeout_s=5, exempt=exempt)).body == b"PNG"
    assert site.resolved == []


@pytest.mark.anyio
async def test_a_stranger_does_not_lead_to_an_exempt_origin(site: Site, fetcher: GuardedFetcher) -> None:
    site.pages |= {b"/": redirect(b"http://sandbox/secret"), b"/secret": answer(b"s")}
    exempt = {"http://sandbox": target_of("http://sandbox", socket=site.path)}
    with pytest.raises(ConnectFailed):
        await fetcher.fetch("http://good.example/", max_bytes=10, timeout_s=5, exempt=exempt)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("page", "error"),
    [
        (answer(b"x", headers=b"Content-Type: text/html\r\n"), UrlRefused),
        (answer(b"x", headers=b""), UrlRefused),
        (answer(b"x", headers=b"Content-Type: image/png\r\nContent-Encoding: gzip\r\n"), UrlRefused),
        (answer(b"x", status=b"404 Not Found"), BadResponse),
        (answer(b"too long!!!"), BodyTooLong),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: image/png\r\n\r\nx", TimedOut),
        (b"", TimedOut),
    ],
)
async def test_what_is_there_is_checked(site: Site, fetcher: GuardedFetcher, page: bytes, error: type[Exception]) -> None:
    site.pages[b"/"] = page
    with pytest.raises(error):
        await fetcher.fetch("http://good.example/", max_bytes=10, timeout_s=0.2, content_types=("image/",))


HOOK = HeaderBlock.of(("content-type", "application/json"))


@pytest.mark.anyio
async def test_a_body_is_posted_to_the_address_that_was_checked(site: Site, fetcher: GuardedFetcher) -> None:
    site.pages[b"/hook?a=1"] = answer(b"thanks", status=b"202 Accepted")
    assert await fetcher.post("http://good.example/hook?a=1", headers=HOOK, body=b'{"a":1}', timeout_s=5) == 202
    assert [(target.host, target.address) for target in site.sent_to] == [("good.example", "1.1.1.1")]
    (got,) = site.requests
    assert got.startswith(b"POST /hook?a=1 HTTP/1.1\r\nHost: good.example\r\n")
    assert b"\r\ncontent-type: application/json\r\n" in got
    assert got.endswith(b'\r\n\r\n{"a":1}')


@pytest.mark.anyio
async def test_a_post_follows_no_redirect(site: Site, fetcher: GuardedFetcher) -> None:
    site.pages[b"/hook"] = redirect(b"http://good.example/elsewhere")
    assert await fetcher.post("http://good.example/hook", headers=HOOK, body=b"{}", timeout_s=5) == 302
    assert len(site.requests) == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/hook", "http://good.example:22/hook", "http://inner.example/hook", "ftp://good.example/"]
)
async def test_a_post_to_an_inner_address_is_refused(site: Site, fetcher: GuardedFetcher, url: str) -> None:
    site.addresses["inner.example"] = ["10.0.0.1"]
    with pytest.raises(UrlRefused):
        await fetcher.post(url, headers=HOOK, body=b"{}", timeout_s=5)
    assert site.sent_to == []


@pytest.mark.anyio
async def test_a_post_to_the_operators_own_origin(site: Site, fetcher: GuardedFetcher) -> None:
    site.pages[b"/hook"] = answer(b"", status=b"200 OK")
    own = {"http://10.0.0.5:5678": target_of("http://10.0.0.5:5678")}
    assert await fetcher.post("http://10.0.0.5:5678/hook", headers=HOOK, body=b"{}", timeout_s=5, exempt=own) == 200
    with pytest.raises(UrlRefused):
        await fetcher.post("http://10.0.0.5:5679/hook", headers=HOOK, body=b"{}", timeout_s=5, exempt=own)


@pytest.mark.anyio
async def test_a_kept_connection_that_breaks_is_replaced_once(site: Site, fetcher: GuardedFetcher) -> None:
    site.pages[b"/hook"] = answer(b"")
    assert await fetcher.post("http://good.example/hook", headers=HOOK, body=b"{}", timeout_s=5) == 200
    site.hangs_up = True
    assert await fetcher.post("http://good.example/hook", headers=HOOK, body=b"{}", timeout_s=5) == 200
    assert len(site.requests) == 3


@pytest.mark.anyio
async def test_a_post_that_is_not_answered_in_time(site: Site, fetcher: GuardedFetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_host: str, _port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(fetcher, "_resolve", never)
    with pytest.raises(TimedOut):
        await fetcher.post("http://good.example/hook?secret=1", headers=HOOK, body=b"{}", timeout_s=0.05)
