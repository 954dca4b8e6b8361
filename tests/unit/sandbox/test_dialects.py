from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from modelgate.sandbox.dialects import DialectRoute


async def _signed(_: Request) -> PlainTextResponse:
    return PlainTextResponse("signed")


async def _plain(_: Request) -> PlainTextResponse:
    return PlainTextResponse("plain")


def test_a_sign_chooses_the_dialect() -> None:
    signed = DialectRoute("/models", _signed, methods=["GET"], spoken=lambda request: "x-sign" in request.headers)
    client = TestClient(Starlette(routes=[signed, Route("/models", _plain, methods=["GET", "POST"])]))
    assert client.get("/models", headers={"x-sign": "1"}).text == "signed"
    assert client.get("/models").text == "plain"
    assert client.post("/models", headers={"x-sign": "1"}).text == "plain"
