"""What HTTPS is served with."""

import ssl

from modelgate.app.data_directory import CannotStart
from modelgate.app.settings import Settings


def server_tls(settings: Settings) -> ssl.SSLContext | None:
    """Return what HTTPS is served with, None where plain HTTP is. Raises CannotStart: a file is missing or does not fit."""
    if not settings.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=_no_password)
    except (OSError, ValueError) as error:  # SSLError is an OSError
        reason = error.reason if isinstance(error, ssl.SSLError) and error.reason else getattr(error, "strerror", None) or error
        raise CannotStart(f"cannot serve HTTPS with --tls-cert {settings.tls_cert} and --tls-key {settings.tls_key}: {reason}") from None
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted; give one without a password")
