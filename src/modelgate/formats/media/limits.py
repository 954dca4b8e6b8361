"""Rules that many vendors have for neutral requests. All raise InvalidRequest, which names the field, role or option."""

from collections.abc import Collection
from typing import Any, cast

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.fields import broken, listed, missing
from modelgate.formats.media.requests import ImageRequest, MediaRequest, VideoRequest, inputs_in


def need_prompt(request: MediaRequest, why: str = "say what it shows") -> None:
    """Refuse a request without words."""
    if not request.prompt.strip():
        raise missing("prompt", why)


def check_one_of(request: ImageRequest | VideoRequest, name: str, choices: Collection[object], by: str = "") -> None:
    """Refuse a field that is said and none of the choices; `by` is who makes only those."""
    value = getattr(request, name)
    if value and value not in choices:
        raise broken(name, value, f"{by} makes {listed(choices)}" if by else f"it must be one of {listed(choices)}")


def check_option(options: dict[str, Any], name: str, choices: Collection[object]) -> None:
    """Refuse an option that is said and none of the choices."""
    value = options.get(name)
    if value is not None and (value not in tuple(choices) or isinstance(value, bool)):
        raise broken(name, value, f"it must be one of {listed(choices)}")


def check_flags(options: dict[str, Any], *names: str) -> None:
    """Refuse options that are said and no yes or no."""
    for name in names:
        if not isinstance(options.get(name, False), bool):
            raise broken(name, options[name], "it must be true or false")


def list_in(options: dict[str, Any], name: str) -> list[object]:
    """Return an option that must be a list, empty when it is not said."""
    value = options.get(name, [])
    if not isinstance(value, list):
        raise broken(name, value, "it must be a list")
    return cast(list[object], value)


def check_most(request: MediaRequest, most: dict[str, int]) -> None:
    """Refuse more files of a role than can be used."""
    for role, limit in most.items():
        if (count := len(inputs_in(request, role))) > limit:
            raise broken(role, count, f"at most {limit} can be used")


def cannot(name: str, why: str) -> InvalidRequest:
    """Return the error for what may be said but not here."""
    return InvalidRequest(f"{name} cannot be used: {why}.", param=name, code="invalid_value")
