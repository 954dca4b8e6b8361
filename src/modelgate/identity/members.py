"""Who may change whom, what an email is, and the links that make members."""

import re

from modelgate.core.errors import InvalidRequest, ModelgateError, PermissionDenied
from modelgate.core.ids import new_id, random_text
from modelgate.core.members import Invitation, Member, Role
from modelgate.identity.keys import digest_of

MAX_EMAIL_LENGTH = 254
MAX_NAME_LENGTH = 100
LINK_LIFETIME_S = 7 * 86_400.0
LINK_SECRET_LENGTH = 40
MANAGED_BY_ADMINS: frozenset[Role] = frozenset(("member", "viewer"))

_EMAIL = re.compile(r"[^@\s<>\"\x00-\x1f\x7f-\x9f]+@[^@\s<>\"\x00-\x1f\x7f-\x9f]+")


class LastOwner(ModelgateError):
    """There would be no owner left."""

    status = 409
    type = "invalid_request_error"
    code = "last_owner"
    retryable = False
    text = "This is the last owner. Make somebody else an owner first."


class LinkExpired(ModelgateError):
    """Setup links and invitations work once, and not for ever."""

    status = 410
    type = "invalid_request_error"
    code = "link_expired"
    retryable = False
    text = "This link is not known here, or not any more: it works once, within seven days. Ask for a new one."


def normalise_email(text: str) -> str:
    """Return an email as it is kept: lower case, no spaces around it.

    Raises:
        InvalidRequest: it is none.
    """
    email = text.strip().lower()
    if len(email) > MAX_EMAIL_LENGTH or not _EMAIL.fullmatch(email):
        raise InvalidRequest("This is not an email address.", param="email", code="invalid_value")
    return email


def new_link(*, role: Role, account: str, email: str = "", invited_by: str = "", now: float) -> tuple[str, Invitation]:
    """Return the secret of a link, to be shown once, and the invitation behind it; without an email it is the setup link."""
    secret = random_text(LINK_SECRET_LENGTH)
    return secret, Invitation(
        id=new_id("inv"),
        digest=digest_of(secret),
        role=role,
        account=account,
        email=email,
        invited_by=invited_by,
        created_at=now,
        expires_at=now + LINK_LIFETIME_S,
    )


def setup_url(base_url: str, secret: str) -> str:
    """Return the page that makes the first owner. What follows `#` stays in the browser: no log has it."""
    return f"{base_url}/console/setup#token={secret}"


def join_url(base_url: str, secret: str) -> str:
    """Return the page on which somebody takes up an invitation."""
    return f"{base_url}/console/join#token={secret}"


def check_may_manage(actor: Member, role: Role) -> None:
    """Check that a member may invite, change or remove somebody of a role: admins only those below them.

    Raises:
        PermissionDenied
    """
    if actor.role == "owner" or (actor.role == "admin" and role in MANAGED_BY_ADMINS):
        return
    raise PermissionDenied(f"Your role is {actor.role}; only an owner invites or changes an {role}.")


def check_owner_left(target: Member, *, role: Role, disabled: bool, other_owners: int) -> None:
    """Check that somebody owns this server once `target` has become `role` or `disabled`; `other_owners` are those not disabled.

    Raises:
        LastOwner
    """
    is_owner = target.role == "owner" and not target.disabled
    if is_owner and other_owners == 0 and (role != "owner" or disabled):
        raise LastOwner
