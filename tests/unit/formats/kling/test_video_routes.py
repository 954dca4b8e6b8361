import pytest

from modelgate.formats.kling.family import FAMILY
from modelgate.formats.kling.video_routes import VIDEO_ROUTES
from modelgate.formats.media.family import MediaRoute
from modelgate.providers.kling import PROVIDER

SUBMITS = [route for route in VIDEO_ROUTES if route.action == "submit"]


@pytest.mark.parametrize("route", SUBMITS, ids=lambda route: route.endpoint.name)
def test_every_file_has_its_rules_and_its_vendor(route: MediaRoute) -> None:
    assert route in FAMILY.routes
    roles = set(route.inputs)
    assert any(roles <= operation.takes for operation in PROVIDER.media.values())


def test_the_vendors_names_have_a_name_here() -> None:
    """What the vendor's checks name is told in the caller's words."""
    options = {name for operation in PROVIDER.media.values() for name in operation.takes if name.startswith("kling_")}
    assert options <= set(FAMILY.field_names)
