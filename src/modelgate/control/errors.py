"""What the account API says besides the errors of every room."""

from modelgate.core.errors import AuthenticationError, InvalidRequest, ModelgateError, Overloaded, PermissionDenied


class SignInNeeded(AuthenticationError):
    """Nobody is signed in."""

    code = "sign_in_needed"
    text = "Sign in first, or send your access key as `Authorization: Bearer …`."


class ForeignOrigin(PermissionDenied):
    """A page of another site used the browser's session."""

    code = "foreign_origin"
    text = "This request came from a page of another site. Use the console of this server, or an access key."


class WrongPassword(AuthenticationError):
    """No such email, or not its password: the two cannot be told apart."""

    code = "wrong_password"
    text = "The email or the password is not right."


class SignUpClosed(PermissionDenied):
    """The operator lets nobody make an account of their own."""

    code = "sign_up_closed"
    text = "People cannot sign up here. Ask for an invitation."


class NoSuchObject(ModelgateError):
    """Nothing has that id, or it is not the caller's to see: the two cannot be told apart."""

    status = 404
    type = "invalid_request_error"
    code = "not_found"
    retryable = False
    text = "Nothing here has that id."


class AlreadyTaken(InvalidRequest):
    """Another one has that name."""

    status = 409
    code = "already_taken"
    text = "Another one has that name."


class Conflict(ModelgateError):
    """What is asked for does not go with what is there; the message says with what."""

    status = 409
    type = "invalid_request_error"
    code = "conflict"
    retryable = False
    text = "This cannot be done as things are now."


def refused(field: str, text: str) -> InvalidRequest:
    """Return the error for a field whose value cannot be used; `text` says why, without a full stop."""
    return InvalidRequest(f"{field}: {text}.", param=field, code="invalid_value")


CALLER_ERRORS: tuple[type[ModelgateError], ...] = (SignInNeeded, PermissionDenied, InvalidRequest, Overloaded)
"""What any call by somebody signed in may meet."""
CHANGE_ERRORS: tuple[type[ModelgateError], ...] = (*CALLER_ERRORS, ForeignOrigin)
"""What any call that changes something may meet."""
