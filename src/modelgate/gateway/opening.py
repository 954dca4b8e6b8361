"""Opening a streamed answer: once something of it has come it is the client's; when its first word is an error another is asked."""

from collections.abc import Callable

from modelgate.core.errors import UpstreamError
from modelgate.gateway.answer_stream import AnswerStream, Told
from modelgate.gateway.attempts import Failure, failure_of, transport_failure
from modelgate.gateway.call import Call
from modelgate.routing.table import Candidate
from modelgate.transport.errors import TransportError
from modelgate.transport.response import UpstreamResponse


async def open_stream(
    call: Call, response: UpstreamResponse, *, told: Told, candidate: Candidate, on_over: Callable[[AnswerStream], None]
) -> AnswerStream | Failure:
    """Return the stream of an upstream's answer as soon as its first event is there, or why there is none."""
    stream = AnswerStream(call=call, told=told, candidate=candidate, upstream=response, on_over=on_over)
    response.start(stream)
    if await stream.opened and stream.opening_error is None:
        return stream
    said = stream.opening_error
    stream.abandon()
    if said is not None:
        return failure_of(said, retry_after_s=said.retry_after_s)
    if isinstance(stream.failure, TransportError):
        return transport_failure(stream.failure)
    return Failure(UpstreamError("The upstream's answer was empty."), again=True)
