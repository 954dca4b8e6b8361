"""Settings in the database, which running processes follow, and beside them those the server was started with."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final, Literal, Protocol

from msgspec import Meta, Struct

from modelgate.control.actions import Action, Call
from modelgate.control.declared import declared
from modelgate.control.errors import CALLER_ERRORS, CHANGE_ERRORS, NoSuchObject
from modelgate.core.endpoints import Case
from modelgate.core.errors import InvalidRequest

MAX_VALUE_LENGTH: Final = 1000


class SettingStore(Protocol):
    """The operator's settings by name."""

    async def settings(self) -> dict[str, str]: ...

    async def set(self, name: str, value: str, *, now: float) -> None: ...


class KnownSetting(Protocol):
    """What is known of a setting: the values it takes (or some, of many), its default and what it does."""

    @property
    def values(self) -> tuple[str, ...]: ...

    @property
    def default(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def takes(self) -> str:
        """What it takes, in words, where `values` are only some."""
        ...


Check = Callable[[str, str], None]
"""(name, value): raises ValueError, with a sentence, for a value that the setting does not take."""


class Setting(Struct, frozen=True, kw_only=True):
    """A setting that can be changed while the server runs."""

    name: Annotated[str, Meta(description="Name of the setting.")]
    value: Annotated[str, Meta(description="What it is now.")]
    default: Annotated[str, Meta(description="What it is when nobody set it.")]
    values: Annotated[tuple[str, ...], Meta(description="What it takes, or, where `takes` says more, examples.")]
    takes: Annotated[str, Meta(description="What it takes, in words; empty: one of `values`.")]
    description: Annotated[str, Meta(description="What it does.")]


class StartSetting(Struct, frozen=True, kw_only=True):
    """A setting that the server was started with. Changing it takes a new start."""

    name: Annotated[str, Meta(description="Name of the setting.")]
    flag: Annotated[str, Meta(description="Flag of `modelgate serve`.")]
    variable: Annotated[str, Meta(description="Environment variable.")]
    value: Annotated[str, Meta(description="What it is; passwords in addresses are left out.")]
    description: Annotated[str, Meta(description="What it is for.")]


class SettingList(Struct, frozen=True, kw_only=True):
    """All settings."""

    data: Annotated[list[Setting], Meta(description="Settings that can be changed here.")]
    started_with: Annotated[Sequence[StartSetting], Meta(description="Settings that the server was started with.")]
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"


class SettingBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a setting is to be."""

    value: Annotated[
        Annotated[str, Meta(max_length=MAX_VALUE_LENGTH)], Meta(description="One of the values that it takes.", examples=["on"])
    ]


def setting_actions(
    store: SettingStore, *, known: Mapping[str, KnownSetting], check: Check, started_with: Sequence[StartSetting]
) -> tuple[Action, ...]:
    """Return the actions. `known` are all settings there are, by name."""

    def shown(name: str, stored: Mapping[str, str]) -> Setting:
        one = known[name]
        value = stored.get(name, one.default)
        return Setting(name=name, value=value, default=one.default, values=one.values, takes=one.takes, description=one.description)

    async def list_them(_: Call) -> SettingList:
        stored = await store.settings()
        return SettingList(data=[shown(name, stored) for name in known], started_with=started_with)

    async def change(call: Call) -> Setting:
        name, body = call.values["name"], call.body
        if name not in known:
            raise NoSuchObject("There is no such setting.")
        try:
            check(name, body.value)
        except ValueError as error:
            raise InvalidRequest(f"{error}.", param="value", code="invalid_value") from None
        await store.set(name, body.value, now=call.now)
        return shown(name, await store.settings())

    return (
        Action(endpoint=LIST_SETTINGS, handle=list_them, permission="configure"),
        Action(endpoint=SET_SETTING, handle=change, permission="own"),
    )


_SIGN_UP = {
    "name": "sign_up",
    "value": "on",
    "default": "off",
    "values": ["off", "on"],
    "takes": "",
    "description": "Whether people may make an account of their own in the console; `off`: only who is invited gets in.",
}
LIST_SETTINGS = declared(
    "GET",
    "/api/settings",
    "list_settings",
    family="admin",
    summary="List settings",
    description="Those that can be changed while the server runs, and those it was started with.",
    response=SettingList,
    errors=CALLER_ERRORS,
    cases=(
        Case(
            name="settings",
            title="All settings",
            prose="Shortened.",
            response={
                "object": "list",
                "data": [_SIGN_UP],
                "started_with": [
                    {
                        "name": "public_url",
                        "flag": "--public-url",
                        "variable": "MODELGATE_PUBLIC_URL",
                        "value": "https://gateway.example",
                        "description": "Base URL under which clients and vendors reach this server; used in links to results.",
                    }
                ],
            },
        ),
    ),
)
SET_SETTING = declared(
    "PUT",
    "/api/settings/{name}",
    "set_setting",
    family="admin",
    summary="Change a setting",
    description="Every process follows within a second. For owners.",
    request=SettingBody,
    response=Setting,
    errors=(*CHANGE_ERRORS, NoSuchObject),
    cases=(
        Case(
            name="sign-up",
            title="Let people sign up",
            prose="`off` closes it again.",
            request={"value": "on"},
            response=_SIGN_UP,
            path_values={"name": "sign_up"},
        ),
    ),
)
