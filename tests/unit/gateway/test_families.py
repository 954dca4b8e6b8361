"""Which media route a request means."""

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest, MethodNotAllowed, Overloaded, UnknownPath
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.kling.family import FAMILY
from modelgate.formats.luma import family as luma
from modelgate.formats.runway import family as runway
from modelgate.gateway.families import MediaRoutes, render_family_error

ROUTES = MediaRoutes([FAMILY])
PATH = "/kling/v1/images/generations"


@pytest.mark.parametrize("path", [PATH, PATH + "/"])
def test_submit(path: str) -> None:
    found = ROUTES.find("POST", path)
    assert (found.family.name, found.route.action, found.values, found.alias) == ("kling", "submit", {}, "")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_fetch(method: str) -> None:
    found = ROUTES.find(method, PATH + "/task_1")
    assert (found.family.name, found.route.action, found.values) == ("kling", "fetch", {"task_id": "task_1"})


@pytest.mark.parametrize(
    ("method", "path"), [("GET", PATH), ("GET", PATH + "/"), ("PUT", PATH), ("POST", PATH + "/task_1"), ("DELETE", PATH + "/task_1")]
)
def test_another_method(method: str, path: str) -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        ROUTES.find(method, path)
    assert refused.value.header_lines == (b"allow: POST\r\n" if path.rstrip("/") == PATH else b"allow: GET, HEAD\r\n")


@pytest.mark.parametrize("path", ["/kling/", "/kling/v1", "/kling/v1/images/generations/a/b", PATH + "/" + "x" * 201, "/kling/v1/audio"])
def test_another_path(path: str) -> None:
    with pytest.raises(UnknownPath) as refused:
        ROUTES.find("GET", path)
    assert not isinstance(refused.value, MethodNotAllowed)


def test_an_alias_stands_for_a_prefix() -> None:
    """Midjourney's speeds are prefixes: what lies behind them is the same."""
    routes = MediaRoutes([msgspec.structs.replace(FAMILY, aliases={"/fast/kling/": "/kling/"})])
    found = routes.find("GET", "/fast" + PATH + "/task_1")
    assert (found.route.action, found.values, found.alias) == ("fetch", {"task_id": "task_1"}, "/fast/kling/")
    assert routes.family_of("/fast/kling/x") is not None
    assert routes.family_of("/fast/x") is None


def test_families_by_prefix() -> None:
    assert ROUTES.family_of("/kling/anything") is FAMILY
    assert ROUTES.family_of("/klingon") is None


def test_an_error_says_when_to_come_back() -> None:
    request = HttpRequest(method="POST", path=PATH, headers=HeaderBlock(), id="req_1")
    busy = render_family_error(FAMILY, Overloaded(retry_after_s=1.2), request.id)
    assert (busy.status, busy.headers.get(b"retry-after")) == (503, b"2")
    assert render_family_error(FAMILY, InvalidRequest("no"), request.id).headers.get(b"retry-after") is None


def test_two_dialects_of_a_family_name_fields_in_their_own_way() -> None:
    """A bad `notify_hook` of Luma's family was refused as `callback_url`, which is what Dream Machine calls it."""
    routes = MediaRoutes([luma.FAMILY])
    assert routes.find("POST", "/luma/generations").field_names["callback_url"] == "notify_hook"
    assert "callback_url" not in routes.find("POST", "/luma/dream-machine/v1/generations").field_names
    assert routes.find("POST", "/luma/generations").field_names["seconds"] == "duration"
    performance = MediaRoutes([runway.FAMILY]).find("POST", "/runwayml/v1/character_performance")
    assert performance.field_names["video"] == "reference"
