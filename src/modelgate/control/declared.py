"""Declarations in short: what every endpoint of the account API has in common."""

from typing import Any

from modelgate.core.endpoints import Endpoint
from modelgate.formats.openai_chat.reference import ErrorAnswer


def declared(method: str, path: str, name: str, **about: Any) -> Endpoint:
    """Return the declaration of an endpoint; `about` is what it does not share with all others. Those for owners and admins alone say
    `family="admin"`."""
    return Endpoint(**{"family": "account", **about}, method=method, path=path, name=name, home="desk", error=ErrorAnswer)
