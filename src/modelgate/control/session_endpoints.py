"""What signing in takes and answers, as documented to readers."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.control.errors import AlreadyTaken, ForeignOrigin, SignInNeeded, SignUpClosed, WrongPassword
from modelgate.control.people import ME_EXAMPLE, MEMBER_EXAMPLE, Email, LinkToken, Me, MemberObject, NewPassword, PersonName
from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.errors import InvalidRequest, Overloaded, PermissionDenied, RateExceeded
from modelgate.formats.openai_chat.reference import ErrorAnswer
from modelgate.identity.members import LinkExpired
from modelgate.identity.roles import Permission
from modelgate.identity.sessions import UnknownAccessKey

MAX_PASSWORD_LENGTH = 1_024
"""Of what is tried; longer than any that may be chosen."""

_JOINING_ERRORS = (InvalidRequest, LinkExpired, AlreadyTaken, ForeignOrigin, Overloaded)
_SIGNED_IN_ERRORS = (SignInNeeded, UnknownAccessKey, PermissionDenied, ForeignOrigin, Overloaded)
_LINK = "Zk3vH0qLxY2mPc8dTn5wRb9sJf6gAe1uVi4yKo7h"
_PERSON = {"name": "Ada", "password": "correct horse battery"}


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the console needs to know before anything else."""

    version: Annotated[str, Meta(description="Version of this server.", examples=["0.5.0"])]
    base_url: Annotated[str, Meta(description="Where clients find this server.", examples=["https://gateway.example"])]
    is_set_up: Annotated[bool, Meta(description="Whether there is an owner; if not, the setup link makes one.")]
    sign_up: Annotated[bool, Meta(description="Whether people may make an account of their own.")]
    member: Annotated[MemberObject | None, Meta(description="Who is signed in; null for nobody.")] = None
    permissions: Annotated[list[Permission], Meta(description="What their role allows.")] = []
    object: Annotated[Literal["state"], Meta(description="Always `state`.")] = "state"


class SignInBody(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs in."""

    email: Email
    password: Annotated[str, Meta(max_length=MAX_PASSWORD_LENGTH, description="Their password.", examples=["correct horse battery"])]


class SetupBody(msgspec.Struct, frozen=True, kw_only=True):
    """The first owner."""

    token: LinkToken
    email: Email
    name: PersonName
    password: NewPassword


class JoinBody(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes up an invitation; the email is the invitation's."""

    token: LinkToken
    name: PersonName
    password: NewPassword


class SignUpBody(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes an account of their own."""

    email: Email
    name: PersonName
    password: NewPassword


class PasswordChange(msgspec.Struct, frozen=True, kw_only=True):
    """The password as it is and as it shall be."""

    current: Annotated[str, Meta(max_length=MAX_PASSWORD_LENGTH, description="The password as it is.")]
    new: NewPassword


class MeBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to change about oneself; what is left out stays."""

    name: PersonName | None = None
    password: Annotated[PasswordChange | None, Meta(description="A new password; every browser is signed out, this one in again.")] = None


class AccessKey(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh access key."""

    access_key: Annotated[str, Meta(description="The key; it is shown only now. Send it as `Authorization: Bearer …`.")]
    object: Annotated[Literal["access_key"], Meta(description="Always `access_key`.")] = "access_key"


STATE = Endpoint(
    method="GET",
    path="/api/state",
    name="get_state",
    family="account",
    home="desk",
    summary="See whether anybody is signed in",
    description="Anybody may ask. The console asks this first: to show how the owner is made, to ask for a password, or to go on.",
    response=State,
    error=ErrorAnswer,
    errors=(Overloaded,),
    needs_key=False,
    cases=(
        Case(
            name="nobody",
            title="Nobody is signed in",
            prose="There is an owner, and people get in by invitation alone.",
            response={
                "object": "state",
                "version": "0.5.0",
                "base_url": "https://gateway.example",
                "is_set_up": True,
                "sign_up": False,
                "member": None,
                "permissions": [],
            },
        ),
    ),
)
SETUP = Endpoint(
    method="POST",
    path="/api/setup",
    name="set_up",
    family="account",
    home="desk",
    summary="Make the first owner",
    description=(
        "Takes the secret of the setup link, which the first start prints and `modelgate members setup-link` prints again. It works once, "
        "within seven days, and only while there is no owner. The answer signs the browser in."
    ),
    request=SetupBody,
    response=Me,
    error=ErrorAnswer,
    errors=_JOINING_ERRORS,
    needs_key=False,
    cases=(
        Case(
            name="owner",
            title="Make the owner",
            prose="`set-cookie` carries the session.",
            request={"token": _LINK, "email": "ada@example.com", **_PERSON},
            response=ME_EXAMPLE,
            status=201,
        ),
    ),
)
SIGN_IN = Endpoint(
    method="POST",
    path="/api/session",
    name="sign_in",
    family="account",
    home="desk",
    summary="Sign in",
    description=(
        "Sets the cookie `modelgate_session`, which browsers send from this site's own pages alone and scripts cannot read. Programs use "
        "an access key instead. Attempts are bounded for each email and each address."
    ),
    request=SignInBody,
    response=Me,
    error=ErrorAnswer,
    errors=(InvalidRequest, WrongPassword, PermissionDenied, ForeignOrigin, RateExceeded, Overloaded),
    needs_key=False,
    cases=(
        Case(
            name="password",
            title="By email and password",
            prose="A wrong email and a wrong password are answered alike.",
            request={"email": "ada@example.com", "password": "correct horse battery"},
            response=ME_EXAMPLE,
        ),
    ),
)
SIGN_OUT = Endpoint(
    method="DELETE",
    path="/api/session",
    name="sign_out",
    family="account",
    home="desk",
    summary="Sign out",
    description="Ends this browser's session, if it has one.",
    error=ErrorAnswer,
    errors=(ForeignOrigin, Overloaded),
    needs_key=False,
    cases=(Case(name="sign-out", title="Sign out", prose="`set-cookie` takes the cookie away.", status=204),),
)
SIGN_UP = Endpoint(
    method="POST",
    path="/api/sign-up",
    name="sign_up",
    family="account",
    home="desk",
    summary="Make an account of one's own",
    description=(
        "Only where the operator has set `sign_up` to `on`. Makes a member with an account of their own, prepaid in the live book and "
        "given `sign_up_credit_nanos` there. The email is not checked. The answer signs the browser in."
    ),
    request=SignUpBody,
    response=Me,
    error=ErrorAnswer,
    errors=(InvalidRequest, SignUpClosed, ForeignOrigin, AlreadyTaken, RateExceeded, Overloaded),
    needs_key=False,
    cases=(
        Case(
            name="sign-up",
            title="Sign up",
            prose="One address may make five accounts an hour.",
            request={"email": "ada@example.com", **_PERSON},
            response={**ME_EXAMPLE, "member": {**MEMBER_EXAMPLE, "account_name": "ada@example.com"}, "permissions": ["read", "use"]},
            status=201,
        ),
    ),
)
JOIN = Endpoint(
    method="POST",
    path="/api/join",
    name="join",
    family="account",
    home="desk",
    summary="Take up an invitation",
    description="Makes the member that the invitation names, once. The answer signs the browser in.",
    request=JoinBody,
    response=Me,
    error=ErrorAnswer,
    errors=_JOINING_ERRORS,
    needs_key=False,
    cases=(
        Case(
            name="join",
            title="Join",
            prose="Email, role and account are the invitation's.",
            request={"token": _LINK, **_PERSON},
            response={**ME_EXAMPLE, "member": MEMBER_EXAMPLE, "permissions": ["read", "use"]},
            status=201,
        ),
    ),
)
ME = Endpoint(
    method="GET",
    path="/api/me",
    name="get_me",
    family="account",
    home="desk",
    summary="See who is signed in",
    description="Shows the member that the cookie or the access key belongs to.",
    response=Me,
    error=ErrorAnswer,
    errors=_SIGNED_IN_ERRORS,
    cases=(Case(name="me", title="An owner", prose="`permissions` say what the role allows.", response=ME_EXAMPLE),),
)
CHANGE_ME = Endpoint(
    method="PATCH",
    path="/api/me",
    name="change_me",
    family="account",
    home="desk",
    summary="Change one's name or password",
    description=(
        "A new password signs every browser out; the one that asked is signed in again with a fresh cookie. The access key stays: delete "
        "it if it may be known to others."
    ),
    request=MeBody,
    response=Me,
    error=ErrorAnswer,
    errors=(InvalidRequest, RateExceeded, *_SIGNED_IN_ERRORS),
    cases=(
        Case(name="name", title="Another name", prose="What is left out stays.", request={"name": "Ada"}, response=ME_EXAMPLE),
        Case(
            name="password",
            title="Another password",
            prose="The password as it is must be said.",
            request={"password": {"current": "correct horse battery", "new": "a quite different one"}},
            response=ME_EXAMPLE,
        ),
    ),
)
MAKE_ACCESS_KEY = Endpoint(
    method="POST",
    path="/api/me/access-key",
    name="make_access_key",
    family="account",
    home="desk",
    summary="Make an access key",
    description=(
        "Programs use it for this API in place of signing in: `Authorization: Bearer ak-…`. It may do all that its member may. Each member "
        "has one; the one before stops at once. It is no key for models."
    ),
    response=AccessKey,
    error=ErrorAnswer,
    errors=_SIGNED_IN_ERRORS,
    cases=(
        Case(
            name="make",
            title="Make one",
            prose="It is shown only now.",
            response={"object": "access_key", "access_key": "ak-Zk3vH0qLxY2mPc8dTn5wRb9sJf6gAe1uVi4yKo7h"},
            status=201,
        ),
    ),
)
DROP_ACCESS_KEY = Endpoint(
    method="DELETE",
    path="/api/me/access-key",
    name="delete_access_key",
    family="account",
    home="desk",
    summary="Delete one's access key",
    description="It stops at once.",
    error=ErrorAnswer,
    errors=_SIGNED_IN_ERRORS,
    cases=(Case(name="delete", title="Delete it", prose="Nothing happens when there is none.", status=204),),
)
