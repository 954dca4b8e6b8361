"""OpenAI's pictures (POST /v1/images/generations) for models whose vendors work by tasks: the dall-e-3 shape of Flux.

Source: the OpenAI API reference and the Flux documents of that API family, read 2026-11. May import: core, formats.media,
formats.openai_chat (its errors), formats.json_fields. No I/O, clock or randomness.

    schema     the body and the answer, and every bound with its name
    request    body -> neutral media request
    response   pictures -> answer
"""
