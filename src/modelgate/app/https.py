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
        files = f"--tls-cert {settings.tls_cert} and --tls-key {settings.tls_key}"
        raise CannotStart(f"cannot serve HTTPS with {files}: {_reason(error)}") from None
    return context


def _reason(error: OSError | ValueError) -> str:
    if not isinstance(error, ssl.SSLError):
        return getattr(error, "strerror", None) or str(error)
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate"
    return error.reason or "the one is no PEM file with a certificate chain, or the other none with a private key"


def _no_password() -> str:
    raise ValueError("the key is encrypted; give one without a password")
