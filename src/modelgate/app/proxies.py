"""Which proxy the way to an upstream takes."""

from urllib.parse import urlsplit

from modelgate.app.settings import Settings
from modelgate.transport.target import is_exempt_from_proxy


def proxy_for(settings: Settings, base_url: str) -> str:
    """Return the URL of the proxy for a base URL on the network; empty: none."""
    parts = urlsplit(base_url)
    if is_exempt_from_proxy(parts.hostname or "", settings.no_proxy):
        return ""
    return settings.https_proxy if parts.scheme == "https" else settings.http_proxy
