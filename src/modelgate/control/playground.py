"""The key with which the console's playground and the documentation's "try it" call this server for who is signed in."""

from typing import Annotated, Final, Literal, Protocol

from msgspec import Meta, Struct
from msgspec.structs import replace

from modelgate.control.actions import Action, Call
from modelgate.control.declared import declared
from modelgate.control.errors import CHANGE_ERRORS, NoSuchObject
from modelgate.control.lists import BookName
from modelgate.core.endpoints import Case
from modelgate.core.members import playground_key_id
from modelgate.core.records import ApiKey
from modelgate.identity.keys import new_key

NAME: Final = "playground"
LIFETIME_S: Final = 12 * 3600.0
GRACE_S: Final = 3600.0
"""How long the secret of the call before still works: another tab may use it."""


class RenewingKeys(Protocol):
    """The part of the key store that is used."""

    async def renew(self, key: ApiKey, *, grace_s: float, now: float) -> ApiKey:
        """Make a key of this id, or give the one there is this secret and this end; its old secret works for `grace_s` more."""
        ...


class PlaygroundBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For which book."""

    book: BookName = "live"


class PlaygroundKey(Struct, frozen=True, kw_only=True):
    """A secret for a while."""

    key: Annotated[str, Meta(description="Id of the key: the same at every call.")]
    book: BookName
    secret: Annotated[str, Meta(description="What to send as `Authorization: Bearer …`.")]
    expires_at: Annotated[float, Meta(description="When it ends, seconds since the epoch: in 12 hours.")]
    object: Annotated[Literal["playground_key"], Meta(description="Always `playground_key`.")] = "playground_key"


def playground_actions(keys: RenewingKeys) -> tuple[Action, ...]:
    """Return the action."""

    async def renew(call: Call) -> PlaygroundKey:
        body: PlaygroundBody = call.body
        account = call.account()
        secret, plain = new_key(account=account, book=body.book, name=NAME)
        ends_at = call.now + LIFETIME_S
        key = replace(plain, id=playground_key_id(call.member.id, account=account, book=body.book), expires_at=ends_at)
        renewed = await keys.renew(key, grace_s=GRACE_S, now=call.now)
        return PlaygroundKey(key=renewed.id, book=body.book, secret=secret, expires_at=ends_at)

    return (Action(endpoint=PLAYGROUND_KEY, handle=renew, permission="use"),)


PLAYGROUND_KEY = declared(
    "POST",
    "/api/playground-key",
    "renew_playground_key",
    summary="Get a key for the playground",
    description=(
        "Answers with a fresh secret of your key `playground` in that book, which is made when there is none. It works for 12 hours; the "
        "secret of the call before stops after an hour. What it spends is your account's, and is seen in the logs under that name."
    ),
    request=PlaygroundBody,
    response=PlaygroundKey,
    errors=(*CHANGE_ERRORS, NoSuchObject),
    cases=(
        Case(
            name="sandbox",
            title="For the sandbox",
            prose="Calls with it cost nothing.",
            request={"book": "test"},
            response={
                "object": "playground_key",
                "key": "key_4c1f0b7d92e5a83f6d7e10",
                "book": "test",
                "secret": "sk-test-…",
                "expires_at": 1763928120.5,
            },
        ),
    ),
)
