"""Signing in and out, becoming a member, and one's own record."""

import unicodedata
from typing import Protocol

from modelgate.control.actions import Action, Call, SignedIn, answer_with
from modelgate.control.errors import SignUpClosed, WrongPassword
from modelgate.control.people import Me, permissions_of, show_me, show_member
from modelgate.control.session_endpoints import (
    CHANGE_ME,
    DROP_ACCESS_KEY,
    JOIN,
    MAKE_ACCESS_KEY,
    ME,
    SETUP,
    SIGN_IN,
    SIGN_OUT,
    SIGN_UP,
    STATE,
    AccessKey,
    State,
)
from modelgate.core.errors import AuthenticationError, InvalidRequest, PermissionDenied
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.ids import new_id
from modelgate.core.members import Invitation, Member
from modelgate.identity.attempts import Attempts
from modelgate.identity.keys import digest_of, hint_of
from modelgate.identity.members import LinkExpired, normalise_email
from modelgate.identity.passwords import Passwords, check_password
from modelgate.identity.sessions import Sessions, cookie_of, new_access_key

SIGN_UP_SETTING = "sign_up"
SIGN_UP_CREDIT_SETTING = "sign_up_credit_nanos"


class PeopleStore(Protocol):
    """Where members are kept, as far as they come in here. Emails are in lower case."""

    async def facts(self) -> tuple[bool, dict[str, str]]:
        """Return whether there is an owner, and the operator's settings."""
        ...

    async def find(self, email: str) -> Member | None: ...

    async def find_invitation(self, digest: str, *, now: float) -> Invitation | None:
        """Return the invitation behind a link; the setup link (without an email) only while there is no owner."""
        ...

    async def accept(self, digest: str, joining: Member, *, now: float) -> Member:
        """Make a member as the invitation says, once. Raises what app maps to NoSuchObject and AlreadyTaken."""
        ...

    async def sign_up(self, joining: Member, *, credit_nanos: int, now: float) -> Member:
        """Make a member with an account of their own. Raises what app maps to AlreadyTaken."""
        ...

    async def rename(self, member_id: str, name: str, *, now: float) -> Member: ...

    async def set_password(self, member_id: str, password: str, *, now: float) -> Member:
        """Store a hash, and end every session of the member."""
        ...

    async def set_access_key(self, member_id: str, *, digest: str | None, hint: str) -> None: ...


class SessionRoom:
    """The actions' work."""

    def __init__(self, store: PeopleStore, sessions: Sessions, *, passwords: Passwords, attempts: Attempts) -> None:
        self._store = store
        self._sessions = sessions
        self._passwords = passwords
        self._attempts = attempts

    async def recognise(self, request: HttpRequest) -> SignedIn | None:
        """Return who sent a request. An access key goes before a cookie.

        Raises:
            UnknownAccessKey: the one that came is nobody's.
        """
        member = await self._sessions.member_of_access_key(request)
        if member is not None:
            return SignedIn(member, by_cookie=False)
        member = await self._sessions.member_of_cookie(request)
        return SignedIn(member, by_cookie=True) if member is not None else None

    async def state(self, call: Call, *, version: str, base_url: str) -> State:
        is_set_up, settings = await self._store.facts()
        try:
            signed_in = await self.recognise(call.request)
        except AuthenticationError:
            signed_in = None
        return State(
            version=version,
            base_url=base_url,
            is_set_up=is_set_up,
            sign_up=is_set_up and settings.get(SIGN_UP_SETTING) == "on",
            member=show_member(signed_in.member) if signed_in else None,
            permissions=permissions_of(signed_in.member) if signed_in else [],
        )

    async def sign_in(self, call: Call) -> HttpResponse:
        email = call.body.email.strip().lower()
        member = await self._check_password(email, call.body.password, call.request)
        if member.disabled:
            raise PermissionDenied("You have been kept out of this server. Ask its owner.")
        return answer_with(show_me(member), cookie=await self._sessions.begin(member, call.request))

    async def sign_out(self, call: Call) -> HttpResponse:
        headers = HeaderBlock.of(("cache-control", "no-store"), ("set-cookie", await self._sessions.end(call.request)))
        return HttpResponse(status=204, headers=headers, body=b"")

    async def set_up(self, call: Call) -> HttpResponse:
        email = normalise_email(call.body.email)
        return await self._accept(call, email=email, is_setup=True)

    async def join(self, call: Call) -> HttpResponse:
        return await self._accept(call, email="", is_setup=False)

    async def sign_up(self, call: Call) -> HttpResponse:
        is_set_up, settings = await self._store.facts()
        if not is_set_up or settings.get(SIGN_UP_SETTING) != "on":
            raise SignUpClosed
        email, name = normalise_email(call.body.email), _proper_name(call.body.name)
        check_password(call.body.password)
        self._attempts.take_sign_up(call.request.client)
        password = await self._passwords.hash(call.body.password)
        joining = Member(id=new_id("mem"), account="", role="member", email=email, name=name, password=password, created_at=call.now)
        credit_nanos = int(settings.get(SIGN_UP_CREDIT_SETTING, "0"))
        member = await self._store.sign_up(joining, credit_nanos=credit_nanos, now=call.now)
        return answer_with(show_me(member), status=201, cookie=await self._sessions.begin(member, call.request))

    async def me(self, call: Call) -> Me:
        return show_me(call.member)

    async def change_me(self, call: Call) -> Me | HttpResponse:
        member, change = call.member, call.body.password
        if change is not None:
            check_password(change.new, param="password.new")
            await self._check_password(member.email, change.current, call.request, param="password.current")
        if call.body.name is not None:
            member = await self._store.rename(member.id, _proper_name(call.body.name), now=call.now)
        if change is None:
            return show_me(member)
        had_cookie = bool(cookie_of(call.request))
        member = await self._store.set_password(member.id, await self._passwords.hash(change.new), now=call.now)
        if not had_cookie:
            return show_me(member)
        return answer_with(show_me(member), cookie=await self._sessions.begin(member, call.request))

    async def make_access_key(self, call: Call) -> AccessKey:
        secret = new_access_key()
        await self._store.set_access_key(call.member.id, digest=digest_of(secret), hint=hint_of(secret))
        return AccessKey(access_key=secret)

    async def drop_access_key(self, call: Call) -> None:
        await self._store.set_access_key(call.member.id, digest=None, hint="")

    async def _check_password(self, email: str, password: str, request: HttpRequest, *, param: str = "") -> Member:
        """Return whose email and password these are, in the same time whether there is such an email or not."""
        self._attempts.take_sign_in(email, request.client)
        member = await self._store.find(email)
        if not await self._passwords.matches(password, member.password if member else "") or member is None:
            if param:
                raise InvalidRequest("This is not your password.", param=param, code="wrong_password")
            raise WrongPassword
        self._attempts.give_back_sign_in(email, request.client)
        return member

    async def _accept(self, call: Call, *, email: str, is_setup: bool) -> HttpResponse:
        name, digest = _proper_name(call.body.name), digest_of(call.body.token)
        check_password(call.body.password)
        found = await self._store.find_invitation(digest, now=call.now)
        if found is None or (found.email == "") != is_setup:  # looked for before the dear hashing
            raise LinkExpired
        password = await self._passwords.hash(call.body.password)
        joining = Member(id=new_id("mem"), account="", role="viewer", email=email, name=name, password=password, created_at=call.now)
        member = await self._store.accept(digest, joining, now=call.now)
        return answer_with(show_me(member), status=201, cookie=await self._sessions.begin(member, call.request))


def _proper_name(text: str) -> str:
    name = " ".join(text.split())
    if not name or any(unicodedata.category(one) == "Cc" for one in name):  # terminals would take those for commands
        raise InvalidRequest("A name has at least one letter, and no control characters.", param="name", code="invalid_value")
    return name


def session_actions(room: SessionRoom, *, version: str, base_url: str) -> tuple[Action, ...]:
    """Return the actions."""

    async def state(call: Call) -> State:
        return await room.state(call, version=version, base_url=base_url)

    return (
        Action(endpoint=STATE, handle=state, permission=None),
        Action(endpoint=SETUP, handle=room.set_up, permission=None, status=201),
        Action(endpoint=SIGN_IN, handle=room.sign_in, permission=None),
        Action(endpoint=SIGN_OUT, handle=room.sign_out, permission=None, status=204),
        Action(endpoint=SIGN_UP, handle=room.sign_up, permission=None, status=201),
        Action(endpoint=JOIN, handle=room.join, permission=None, status=201),
        Action(endpoint=ME, handle=room.me),
        Action(endpoint=CHANGE_ME, handle=room.change_me),
        Action(endpoint=MAKE_ACCESS_KEY, handle=room.make_access_key, status=201),
        Action(endpoint=DROP_ACCESS_KEY, handle=room.drop_access_key, status=204),
    )
