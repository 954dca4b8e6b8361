"""fal's storage, for its client's uploads: `/fal/rest/storage/…` names a place or a token, `/fal/cdn/files/…` takes and gives files."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import Clock, as_utc
from modelgate.core.ids import random_text
from modelgate.sandbox.fal.schema import FalRefused
from modelgate.sandbox.front import guarded, json_answer, no_file
from modelgate.sandbox.request_body import UNREADABLE, BodyTooLarge, read_body

MAX_FILES = 200
MAX_KEPT_BYTES = 64 * 1024 * 1024
MAX_FILE_BYTES = 32 * 1024 * 1024
TOKEN_LIFETIME_S = 600
CDN = "/fal/cdn"
REST = "/fal/rest"


class Upload(msgspec.Struct, frozen=True):
    """A file, or the place for one: then there is no data yet."""

    kind: str
    data: bytes | None


class FalStorage:
    """Files in memory; the oldest make room."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._files: OrderedDict[str, Upload] = OrderedDict()
        self._token = random_text(32)

    def routes(self, check: Callable[[Request], None]) -> list[Route]:
        """Return the routes; a place is given and named to those who pass the check, what is there is fetched without a key."""
        return [
            Route(REST + "/storage/auth/token", guarded(check, self._give_token), methods=["POST"]),
            Route(REST + "/storage/upload/initiate", guarded(check, self._initiate), methods=["POST"]),
            Route(CDN + "/files/upload", guarded(_anyone, self._upload), methods=["POST"]),
            Route(CDN + "/files/{name}", guarded(_anyone, self._put), methods=["PUT"]),
            Route(CDN + "/files/{name}", self._get, methods=["GET"]),
        ]

    async def _give_token(self, request: Request) -> Response:
        expires_at = as_utc(self._clock()) + timedelta(seconds=TOKEN_LIFETIME_S)
        base_url = f"{request.base_url}{CDN[1:]}"
        return json_answer({"token": self._token, "token_type": "Bearer", "base_url": base_url, "expires_at": expires_at.isoformat()})

    async def _initiate(self, request: Request) -> Response:
        try:
            asked = msgspec.json.decode(await _body(request))
            name, kind = str(asked["file_name"]), str(asked["content_type"])
        except (*UNREADABLE, TypeError, KeyError):
            raise FalRefused(422, [{"loc": ["body"], "msg": "file_name and content_type are needed", "type": "missing"}]) from None
        url = self._keep(request, name, Upload(kind, None))
        return json_answer({"upload_url": url, "file_url": url})

    async def _upload(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self._token}":
            raise FalRefused(401, "Invalid token")
        upload = Upload(request.headers.get("content-type", "application/octet-stream"), await _body(request))
        return json_answer({"access_url": self._keep(request, request.headers.get("x-fal-file-name", "upload.bin"), upload)})

    async def _put(self, request: Request) -> Response:
        """Fill a place that `_initiate` named; its address is the permission."""
        name = request.path_params["name"]
        place = self._files.get(name)
        if place is None or place.data is not None:
            raise FalRefused(403, "This place does not take an upload")
        data = await _body(request)
        self._files[name] = Upload(place.kind, data)
        self._make_room()
        return Response(status_code=200)

    async def _get(self, request: Request) -> Response:
        kept = self._files.get(request.path_params["name"])
        if kept is None or kept.data is None:
            return no_file()
        return Response(kept.data, media_type=kept.kind)

    def _keep(self, request: Request, name: str, upload: Upload) -> str:
        ending = "".join(letter for letter in name.rpartition(".")[2] if letter.isascii() and letter.isalnum())[:8]
        key = f"{random_text(20)}.{ending or 'bin'}"
        self._files[key] = upload
        self._make_room()
        return f"{request.base_url}{CDN[1:]}/files/{key}"

    def _make_room(self) -> None:
        while len(self._files) > MAX_FILES or sum(len(kept.data or b"") for kept in self._files.values()) > MAX_KEPT_BYTES:
            self._files.popitem(last=False)


def _anyone(_: Request) -> None:
    """The address of a place, or the token, is the permission."""


async def _body(request: Request) -> bytes:
    try:
        return await read_body(request, limit_bytes=MAX_FILE_BYTES)
    except BodyTooLarge:
        raise FalRefused(413, "File is too large") from None
