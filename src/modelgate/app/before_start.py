"""What of the settings would only show later, when calls fail: looked at before anything starts."""

import ssl

from modelgate.app.data_directory import CannotStart
from modelgate.app.https import server_tls
from modelgate.app.settings import Settings, flag_of, variable_of
from modelgate.identity.keys import parse_networks
from modelgate.transport.target import proxy_address

LOOKED_INTO = ("ca_file", "http_proxy", "https_proxy", "tls_cert", "trusted_proxies")
"""A server that has none of these set needs no look, and not what is loaded for it."""


def check_before_start(settings: Settings) -> None:
    """Raises CannotStart: one line that names the setting, and not what it holds where that may be a password."""
    server_tls(settings)
    try:
        parse_networks(settings.trusted_proxies)
    except ValueError as error:
        raise CannotStart(f"{_name('trusted_proxies')} is not usable: {error}") from None
    for field in ("https_proxy", "http_proxy"):
        _check_proxy(field, getattr(settings, field))
    if settings.ca_file:
        _check_authorities(settings.ca_file)


def _check_proxy(field: str, proxy: str) -> None:
    if not proxy:
        return
    try:
        proxy_address(proxy)
        is_http = proxy.lower().startswith("http://")
    except ValueError:  # it says the whole of it, password included
        is_http = False
    if not is_http:
        others = {"https_proxy": ", or HTTPS_PROXY", "http_proxy": ", or http_proxy"}
        raise CannotStart(f"{_name(field, others[field])} is not usable: it takes http://host:port or http://user:password@host:port")


def _check_authorities(file: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError as error:  # SSLError is one
        reason = "there is no PEM certificate in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise CannotStart(f"{_name('ca_file')} {file} is not usable: {reason}") from None


def _name(field: str, others: str = "") -> str:
    return f"{flag_of(field)} ({variable_of(field)}{others})"
