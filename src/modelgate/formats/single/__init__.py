"""Calls that are no conversation and are answered at once: embeddings, sound, pictures, moderation.

    single_format   what a dialect of such a call brings along, and how the dialects are found

Bytes pass where both sides speak one dialect; embeddings are translated through `formats/embeddings`. May import: core, formats.chat.
"""
