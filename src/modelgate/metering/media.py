"""What media work costs."""

from modelgate.formats.media.requests import ImageRequest, MediaRequest, MusicRequest, VideoRequest, price_words
from modelgate.metering.prices import Price


def amount_of(price: Price, operation: str, request: MediaRequest) -> int:
    """Return what a request costs in nano-USD. Media prices are by the piece, so the hold is the charge."""
    words = price_words(operation, request)
    match request:
        case ImageRequest():
            return price.charge_media(images=request.n, words=words)
        case VideoRequest() | MusicRequest():
            return price.charge_media(seconds=request.seconds * request.n, words=words)
