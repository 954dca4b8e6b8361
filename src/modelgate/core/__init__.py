"""The nouns every room shares: ids, money, usage, errors, clock, HTTP messages and stored records.

May import: the standard library and msgspec, nothing else. Nothing here does I/O.
"""
