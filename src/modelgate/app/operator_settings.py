"""The operator's settings that live in the database and that running processes follow. `docs/settings.md` lists them."""

from typing import NamedTuple


class OperatorSetting(NamedTuple):
    """One setting: the values it takes, the one it has when nobody set it, and what it does."""

    values: tuple[str, ...]
    default: str
    description: str


OPERATOR_SETTINGS: dict[str, OperatorSetting] = {
    "charge_orphans": OperatorSetting(
        ("no", "yes"), "no", "Whether a request whose relay died in the middle is charged its estimate; `no`: it costs nothing."
    ),
}


def check_setting(name: str, value: str) -> None:
    """Raise ValueError, with a text for the operator, when there is no such setting or it does not take the value."""
    setting = OPERATOR_SETTINGS.get(name)
    if setting is None:
        raise ValueError(f"there is no setting {name!r}; there are: {', '.join(OPERATOR_SETTINGS)}")
    if value not in setting.values:
        raise ValueError(f"{name} is one of: {', '.join(setting.values)}")
