"""The operator's settings that live in the database and that running processes follow. `docs/settings.md` lists them."""

import re
from typing import NamedTuple


class OperatorSetting(NamedTuple):
    """One setting: the values it takes, the one it has when nobody set it, and what it does.

    `pattern`: a regular expression of all values it takes, where `values` are only some; `takes` then says which, in words.
    """

    values: tuple[str, ...]
    default: str
    description: str
    pattern: str = ""
    takes: str = ""


_DAYS = {"pattern": r"0|[1-9]\d{0,3}", "takes": "a whole number of days from 0 to 9999; 0 is for ever"}

OPERATOR_SETTINGS: dict[str, OperatorSetting] = {
    "charge_orphans": OperatorSetting(
        ("no", "yes"), "no", "Whether a request whose relay died in the middle is charged its estimate; `no`: it costs nothing."
    ),
    "cache_hit_price": OperatorSetting(
        ("0", "0.1", "1"),
        "0",
        "Which share of the original charge an answer from the cache costs, any decimal from 0 to 1; `0`: it costs nothing.",
        pattern=r"0|1|0\.\d{1,6}|1\.0{1,6}",
        takes="a decimal from 0 to 1 such as 0.1, of at most six decimals",
    ),
    "keep_refusals_days": OperatorSetting(
        ("0", "30", "90"),
        "30",
        "How many days calls that were refused before money was held are listed; `0`: for ever, within a bound.",
        **_DAYS,
    ),
    "keep_deliveries_days": OperatorSetting(
        ("0", "30", "90"), "30", "How many days webhooks that ended, one way or the other, are listed; `0`: for ever.", **_DAYS
    ),
    "keep_tasks_days": OperatorSetting(
        ("0", "90", "365"),
        "365",
        "How many days tasks that ended can be fetched and listed; `0`: for ever. Their money's history stays.",
        **_DAYS,
    ),
    "sign_up": OperatorSetting(
        ("off", "on"), "off", "Whether people may make an account of their own in the console; `off`: only who is invited gets in."
    ),
    "sign_up_credit_nanos": OperatorSetting(
        ("0", "1000000000"),
        "0",
        "What an account that signed up is given in the live book, in billionths of a US dollar; up to a thousand dollars.",
        pattern=r"0|[1-9]\d{0,11}|1000000000000",
        takes="a whole number from 0 to 1000000000000, in billionths of a US dollar",
    ),
}


def check_setting(name: str, value: str) -> None:
    """Raise ValueError, with a text for the operator, when there is no such setting or it does not take the value."""
    setting = OPERATOR_SETTINGS.get(name)
    if setting is None:
        raise ValueError(f"there is no setting {name!r}; there are: {', '.join(OPERATOR_SETTINGS)}")
    if setting.pattern:
        if not re.fullmatch(setting.pattern, value, re.ASCII):
            raise ValueError(f"{name} is {setting.takes}")
        return
    if value not in setting.values:
        raise ValueError(f"{name} is one of: {', '.join(setting.values)}")
