"""The Gemini dialect (POST /v1beta/models/{model}:generateContent and its streamed twin), as the client's and as the upstream's.

Model and method stand in the path, names in camelCase or snake_case, answers stream as server-sent events or as one JSON array.
Source: ai.google.dev/api and the official Python SDK's parsers, read 2026-11.

    address          what path and query say
    casing           snake_case bodies made camelCase
    schema           the bodies as types
    model_facts      what models can do, by their names
    peek             what routing and money need of a request, and the request passed on
    decode_request   a client's request in neutral words; decode_contents and tools beside it
    encode_request   a neutral request for an upstream; encode_contents and tools beside it
    schema_subset    JSON Schema and Gemini's subset of it
    signatures       what travels in `thoughtSignature`
    usage            counts, both ways
    grounding        citations, both ways
    sound            raw sound made a WAV file
    decode_response  an upstream's answer, whole or in chunks
    encode_response  an answer for a client, whole or in chunks
    stream           both shapes of streams cut into chunks, decoded and written
    tap              a stream that passes
    errors           errors, both ways
    models           the list of models
    count_tokens     the request to be counted, and the count
    reference        types for the documentation
"""

NAME = "gemini_content"
