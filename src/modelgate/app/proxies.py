"""Which proxy the way to an upstream takes, and whether what the ways out are set to can be used."""

from pathlib import Path
from urllib.parse import urlsplit

from modelgate.app.data_directory import CannotStart
from modelgate.app.settings import PROXY_VARIABLES, Settings, flag_of, variable_of
from modelgate.transport.target import is_exempt_from_proxy, target_of


def proxy_for(settings: Settings, base_url: str) -> str:
    """Return the URL of the proxy for a base URL on the network; empty: none."""
    parts = urlsplit(base_url)
    if is_exempt_from_proxy(parts.hostname or "", settings.no_proxy):
        return ""
    return settings.https_proxy if parts.scheme == "https" else settings.http_proxy


def check_ways_out(settings: Settings) -> None:
    """Raise CannotStart where a proxy or the file of authorities cannot be used: upstreams behind it would seem not to be there."""
    for field in ("https_proxy", "http_proxy"):
        proxy = getattr(settings, field)
        try:
            target_of("https://a.example", proxy=proxy)
        except ValueError:
            names = " or ".join((variable_of(field), *PROXY_VARIABLES[field]))
            raise CannotStart(f"{flag_of(field)} ({names}) is not an http:// URL with a host: {_without_secrets(proxy)!r}") from None
    if settings.ca_file:
        try:
            holds_any = b"-----BEGIN CERTIFICATE-----" in Path(settings.ca_file).read_bytes()
        except OSError as error:
            raise CannotStart(f"--ca-file {settings.ca_file} cannot be read: {error.strerror}") from None
        if not holds_any:
            raise CannotStart(f"--ca-file {settings.ca_file} holds no certificate in PEM")


def _without_secrets(url: str) -> str:
    return f"…@{url.rpartition('@')[2]}" if "@" in url else url
