"""A file or package per vendor: a record, quirk flags as data, and for media the pure functions between the hub and the vendor.

May import: formats, core. No provider imports another. `load_providers` finds them by scanning this folder, so that a new
vendor is one new place: `docs/decisions/2026-11-27-vendor-packages.md`.
"""

import importlib
import pkgutil

from modelgate.core.providers import Provider


def load_providers() -> dict[str, Provider]:
    """Return every provider by name.

    Raises:
        TypeError: a module of this folder has no `PROVIDER` of its own name.
    """
    found: dict[str, Provider] = {}
    for module_info in pkgutil.iter_modules(__path__):
        provider = getattr(importlib.import_module(f"{__name__}.{module_info.name}"), "PROVIDER", None)
        if not isinstance(provider, Provider) or provider.name != module_info.name:
            raise TypeError(f"providers/{module_info.name}.py must hold PROVIDER, a Provider named {module_info.name!r}")
        found[provider.name] = provider
    return found
