"""The environment that tests hand to processes they start."""

import os

from modelgate.providers import load_providers


def clean_environment(**more: str) -> dict[str, str]:
    """Return our own environment without what would configure Modelgate, or give it a developer's real vendor keys."""
    variables = {name for provider in load_providers().values() for names in provider.environment for name in names.split("|")}
    kept = {name: value for name, value in os.environ.items() if name not in variables and not name.startswith("MODELGATE_")}
    return kept | more
