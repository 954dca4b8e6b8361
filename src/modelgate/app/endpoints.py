"""Every endpoint of an installation: the gateway's and the account API's, for the documentation and the tests that iterate over them."""

from collections.abc import Iterable

from modelgate.app.control import control_endpoints
from modelgate.core.endpoints import Endpoint
from modelgate.formats.media.family import MediaFamily
from modelgate.gateway.endpoints import endpoint_table


def every_endpoint(families: Iterable[MediaFamily]) -> tuple[Endpoint, ...]:
    """Return the whole table.

    Raises:
        ValueError: two of them share a method and path, or a name.
    """
    table = (*endpoint_table(families), *control_endpoints())
    if len({(one.method, one.path) for one in table}) < len(table) or len({one.name for one in table}) < len(table):
        raise ValueError("two endpoints share a path or a name")
    return table
