"""One tree of errors; each leaf knows its HTTP status, OpenAI type and code, and whether trying again can help.

    ModelgateError
    ├── InvalidRequest                   400, names the field and the rule; UnsupportedOperation too
    │   ├── RequestTimedOut              408
    │   ├── BodyTooLarge                 413
    │   ├── UnsupportedMediaType         415
    │   ├── ExpectationFailed            417
    │   ├── IdempotencyKeyReused         422
    │   └── HeadTooLarge                 431
    ├── UnknownPath                      404
    │   └── MethodNotAllowed             405
    ├── TaskNotFound                     404
    ├── IdempotencyInProgress            409 with retry-after; IdempotencyNotStored, 409 and final
    ├── AuthenticationError              401: MissingKey, InvalidKey, ExpiredKey
    ├── PermissionDenied                 403: DisabledKey, ForeignAddress, ModelNotAllowed
    ├── UnknownModel, UnpricedModel      404, 403
    ├── InsufficientFunds                429 and final: BalanceExhausted, LimitExhausted
    ├── RateExceeded                     429 with retry-after
    ├── Overloaded                       503 with retry-after: a bound of ours was hit
    ├── NoUpstream                       503
    ├── UpstreamRefused                  the upstream's own 4xx, passed on
    └── UpstreamError                    502: UpstreamFailed (its status), UpstreamUnreachable (502), UpstreamTimeout (504)

`header_lines` go with the answer in any dialect. Messages are shown to callers: they never hold a key, an upstream address
or a stack. Each dialect renders them itself.
"""

from math import ceil

from modelgate.core.rates import RateFacts


class ModelgateError(Exception):
    """The root; also the unexpected fault of ours, of which the caller learns one sentence and the request id."""

    status: int = 500
    type: str = "server_error"
    code: str | None = "internal_error"
    retryable: bool = True
    header_lines: bytes = b""
    text: str = "Something went wrong in the gateway. Quote the request id when you report it."

    def __init__(self, message: str = "", *, param: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message or self.text)
        self.param = param
        self.retry_after_s = retry_after_s

    @property
    def message(self) -> str:
        """The sentence for the caller."""
        return str(self.args[0])

    def message_for(self, request_id: str) -> str:
        """Return the sentence with the request it belongs to, where that has an id."""
        return f"{self.message} (request id: {request_id})" if request_id else self.message

    @property
    def retry_after(self) -> str | None:
        """The value of a `retry-after` header, whole seconds upwards; None where waiting does not help."""
        return None if self.retry_after_s is None else str(max(1, ceil(self.retry_after_s)))


class InvalidRequest(ModelgateError):
    """The caller's body or parameters break a rule; `param` names the field."""

    status = 400
    type = "invalid_request_error"
    code = None
    retryable = False
    text = "The request is not valid."

    def __init__(self, message: str = "", *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message, param=param)
        if code is not None:
            self.code = code  # a finer word of the same class, such as missing_required_parameter


class UnsupportedOperation(InvalidRequest):
    code = "unsupported_operation"
    text = "The model is not for what it is asked for."


class RequestTimedOut(InvalidRequest):
    status = 408
    code = "request_timeout"
    text = "The request did not arrive in time."


class BodyTooLarge(InvalidRequest):
    status = 413
    code = "body_too_large"
    text = "The request body is larger than this server takes."


class UnsupportedMediaType(InvalidRequest):
    status = 415
    code = "unsupported_media_type"
    text = "The content type of this request is not served here."


class ExpectationFailed(InvalidRequest):
    status = 417
    code = "expectation_failed"
    text = "The Expect header asks for something this server does not know."


class IdempotencyKeyReused(InvalidRequest):
    status = 422
    code = "idempotency_key_reused"
    text = "This Idempotency-Key came with another request before. Use a new key for a new request."


class HeadTooLarge(InvalidRequest):
    status = 431
    code = "head_too_large"
    text = "The request line and headers are larger than this server takes."


class UnknownPath(ModelgateError):
    """No endpoint of that path."""

    status = 404
    type = "invalid_request_error"
    code = None
    retryable = False
    text = "No such endpoint."


class MethodNotAllowed(UnknownPath):
    status = 405
    text = "This endpoint does not take that method."

    def __init__(self, message: str = "", *, allowed: tuple[str, ...] = ()) -> None:
        """`allowed` are the methods that the path takes, where that is known."""
        super().__init__(message)
        self.header_lines = f"allow: {', '.join(allowed)}\r\n".encode() if allowed else b""


class TaskNotFound(ModelgateError):
    """No such task, or another account's: the two cannot be told apart."""

    status = 404
    type = "invalid_request_error"
    code = "task_not_exist"
    retryable = False
    text = "No such task."


class TaskNotCancelable(ModelgateError):
    """The task has ended, or its vendor works on it and cannot stop."""

    status = 409
    type = "invalid_request_error"
    code = "task_not_cancelable"
    retryable = False
    text = "The vendor has begun this task and cannot stop it. It goes on, and is charged if it succeeds."


class IdempotencyInProgress(ModelgateError):
    """Official clients try a 409 again."""

    status = 409
    type = "invalid_request_error"
    code = "idempotency_in_progress"
    text = "The first request with this Idempotency-Key is still being answered. Try again shortly."


class IdempotencyNotStored(ModelgateError):
    """The first answer may have been charged, and cannot be given again."""

    status = 409
    type = "invalid_request_error"
    code = "idempotency_not_stored"
    retryable = False
    text = (
        "The request with this Idempotency-Key was answered, but the answer was not kept: it was too long or broke off. "
        "It is not done again. Use a new key to ask anew."
    )


class AuthenticationError(ModelgateError):
    status = 401
    type = "invalid_request_error"
    code: str | None = "invalid_api_key"
    retryable = False


class MissingKey(AuthenticationError):
    code = None
    text = "No API key was given. Send it as 'Authorization: Bearer sk-…'."


class InvalidKey(AuthenticationError):
    text = "The API key is not known here. Check for a missing character, or ask your operator for a key."


class ExpiredKey(AuthenticationError):
    code = "expired_api_key"
    text = "The API key has expired. Ask your operator for a new one."


class PermissionDenied(ModelgateError):
    """Whoever asks may not do this."""

    status = 403
    type = "invalid_request_error"
    code = "permission_denied"
    retryable = False


class DisabledKey(PermissionDenied):
    code = "disabled_api_key"
    text = "The API key is disabled. Ask your operator to enable it."


class ForeignAddress(PermissionDenied):
    code = "ip_not_allowed"
    text = "The API key may not be used from this address."


class ModelNotAllowed(PermissionDenied):
    code = "model_not_allowed"
    text = "The API key may not use this model."


class UnknownModel(ModelgateError):
    status = 404
    type = "invalid_request_error"
    code = "model_not_found"
    retryable = False
    text = "No such model here. GET /v1/models lists what this key may use."


class UnpricedModel(PermissionDenied):
    code = "model_not_priced"
    text = "The model has no price yet. Its operator can set one, or call it free."


class InsufficientFunds(ModelgateError):
    """Not enough money, said only when that is final: clients are told not to retry."""

    status = 429
    type = "insufficient_quota"
    code = "insufficient_quota"
    retryable = False


class BalanceExhausted(InsufficientFunds):
    text = "The account has not enough balance for this request. Ask your operator for credit."


class LimitExhausted(InsufficientFunds):
    text = "The API key's spending limit does not cover this request."


class RateExceeded(ModelgateError):
    """RPM or TPM of the key is used up; `dimension` is `requests` or `tokens`."""

    status = 429
    type = "requests"
    code = "rate_limit_exceeded"
    text = "The API key may send no more requests or tokens this minute. The header `retry-after` says when again."

    def __init__(
        self, message: str, *, dimension: str, retry_after_s: float, header_lines: bytes = b"", rates: RateFacts | None = None
    ) -> None:
        """`header_lines` are OpenAI's `x-ratelimit-*` lines, each ending in CRLF; `rates` the same for any dialect."""
        super().__init__(message, retry_after_s=retry_after_s)
        self.header_lines = header_lines
        self.rates = rates
        self.type = dimension  # OpenAI names the dimension in `type`


class Overloaded(ModelgateError):
    status = 503
    type = "service_unavailable_error"
    code = "slow_down"
    text = "The gateway is busy. Try again shortly."


class NoUpstream(ModelgateError):
    status = 503
    type = "service_unavailable_error"
    code = "no_upstream"
    text = "No upstream can serve this model now."


class UpstreamRefused(ModelgateError):
    """The upstream's own 4xx about this request; `body` is its JSON, already free of our secrets, or empty."""

    status = 400
    type = "invalid_request_error"
    code = None
    retryable = False
    text = "The vendor refuses this request, in its own words."

    def __init__(self, message: str, *, status: int, code: str | None = None, type: str | None = None, param: str | None = None) -> None:
        super().__init__(message, param=param)
        self.status = status  # the upstream's
        self.code = code
        if type is not None:
            self.type = type


class UpstreamError(ModelgateError):
    status = 502
    type = "upstream_error"
    code = "bad_upstream_response"
    text = "The upstream gave no usable answer."


class UpstreamFailed(UpstreamError):
    """The vendor answered with a 429 or 5xx of its own, after every attempt: its status is kept, its words are cleaned."""

    def __init__(self, message: str = "", *, status: int, code: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.status = status  # the upstream's
        self.code = code or "bad_response_status_code"


class UpstreamUnreachable(UpstreamError):
    code = "upstream_unreachable"
    text = "The upstream could not be reached."


class UpstreamTimeout(UpstreamError):
    status = 504
    code = "upstream_timeout"
    text = "The upstream did not answer in time."
