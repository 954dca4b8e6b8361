"""The settings a server was started with, as owners and admins see them: without what is secret in them."""

import re

from modelgate.app.settings import Settings, describe, flag_of, variable_of
from modelgate.control.settings import StartSetting

_PASSWORD = re.compile(r"(//[^/@]*?):[^/]*@")
_QUERY = re.compile(r"\?.*")
HIDDEN = "…"


def shown_settings(settings: Settings) -> tuple[StartSetting, ...]:
    """Return every setting with its value; passwords in addresses, and what follows a question mark in them, are left out."""
    return tuple(_one(field, getattr(settings, field)) for field in Settings.__struct_fields__)


def _one(field: str, value: object) -> StartSetting:
    shown = _shown(value)
    return StartSetting(name=field, flag=flag_of(field), variable=variable_of(field), value=shown, description=describe(field))


def _shown(value: object) -> str:
    text = ",".join(str(part) for part in value) if isinstance(value, tuple) else str(value)
    if "://" not in text:
        return text
    return _QUERY.sub(f"?{HIDDEN}", _PASSWORD.sub(rf"\1:{HIDDEN}@", text))
