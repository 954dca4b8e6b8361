"""HTTP dialects as pure codecs, one package each, and the hubs they meet in. No I/O, no clock, no randomness.

The same file reads what a client sends us and what we send upstream. May import: core.
"""
