"""What connections share."""

import pytest

from modelgate.core.errors import BodyTooLarge, ModelgateError
from modelgate.core.http import HttpResponse
from modelgate.edge.limits import EdgeLimits
from modelgate.edge.service import Service

pytestmark = pytest.mark.anyio


async def handle(request: object) -> HttpResponse:
    raise AssertionError(request)


def render(error: ModelgateError, path: str, request_id: str) -> HttpResponse:
    raise KeyError(path)


def make(faults: list[BaseException], limits: EdgeLimits) -> Service:
    return Service(
        handle,
        render_error=render,
        log_fault=lambda fault, path, request_id: faults.append(fault),
        limits=limits,
        clock=lambda: 0.0,
        trusted_proxies=(),
        cors=True,
    )


async def test_body_that_is_allowed_always_fits_alone() -> None:
    assert make([], EdgeLimits(max_body_bytes=1000, max_buffered_bytes=10)).max_buffered_bytes == 1000


async def test_renderer_at_fault_costs_the_body_not_the_answer() -> None:
    faults: list[BaseException] = []
    service = make(faults, EdgeLimits())
    response = service.render(BodyTooLarge(), "/x", "req_1")
    assert (response.status, response.body) == (413, b"")
    assert [type(fault) for fault in faults] == [KeyError]
