"""The Anthropic messages dialect (POST /v1/messages): both as the client's and as the upstream's.

    schema            what is looked at of bodies, events and errors
    request           peek; pass_request for traffic of the same dialect
    request_decoder   a client's request in neutral words       request_encoder   a neutral request for an upstream
    blocks            one content block of a request, there and back
    closed_schema     schemas as the API holds answers to them
    turns             the order of turns and blocks that the API demands
    thinking          how much to think, and what models can say it
    response          whole answers, there and back; usage
    citations         sources, there and back
    stream            the tap on a passing stream
    stream_decoder, stream_encoder      events, there and back
    errors, rates     failures and limits
    count_tokens      POST /v1/messages/count_tokens
    models            GET /v1/models in this dialect
    reference         types for the documentation
    wire              all of it as a `WireFormat`

Source: the Anthropic API reference and the official client's stream parser, read 2026-11.
"""
