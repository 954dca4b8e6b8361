"""Signing in and out, and one's own record."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.control.actions import Action, Call
from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.openai_chat.reference import ErrorAnswer


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the console needs to know before anything else."""

    version: Annotated[str, Meta(description="Version of this server.", examples=["0.5.0"])]
    base_url: Annotated[str, Meta(description="Where clients find this server.", examples=["https://gateway.example"])]
    is_set_up: Annotated[bool, Meta(description="Whether there is an owner; if not, the setup link makes one.")]
    object: Annotated[Literal["state"], Meta(description="Always `state`.")] = "state"


def session_actions(*, version: str, base_url: str) -> tuple[Action, ...]:
    """Return the actions."""

    async def state(_: Call) -> State:
        return State(version=version, base_url=base_url, is_set_up=False)

    return (Action(endpoint=_STATE, handle=state, permission=None),)


_STATE = Endpoint(
    method="GET",
    path="/api/state",
    name="get_state",
    family="account",
    home="desk",
    summary="See whether anybody is signed in",
    description="Anybody may ask.",
    response=State,
    error=ErrorAnswer,
    needs_key=False,
    cases=(
        Case(
            name="state",
            title="Before the owner is made",
            prose="The console shows how to make one.",
            response={"object": "state", "version": "0.5.0", "base_url": "https://gateway.example", "is_set_up": False},
        ),
    ),
)
