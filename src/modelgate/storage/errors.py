"""What a step says when the operator's wish cannot be met. Each text is one sentence, fit to be shown to them."""


class NoSuchRow(LookupError):
    """Nothing has that id or name; the text names what was looked for."""


class NameTaken(ValueError):
    """Another row has that name."""
