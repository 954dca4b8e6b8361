"""The OpenAI chat completions dialect (POST /v1/chat/completions).

Traffic of the same dialect on both sides passes as bytes: only the model's name, the usage option, what a vendor refuses, the usage-only
chunk and the ids of sounds are touched. All else goes through the hub. May import: core, formats.chat. No I/O.

    wire               the dialect as the pipeline uses it
    schema, peek       what is looked at in every request; hub_schema: what the hub reads
    request, response  single byte-exact edits; usage and errors told; passing and tap: whole requests, answers and streams that pass
    decode_request, decode_messages, options     a request in neutral words
    encode_request, encode_messages              a neutral request for an upstream
    hub_response, hub_stream, hub_stream_encoder answers, whole and streamed, both ways
    usage, errors, reasoning_details             their parts
    reference          the dialect as documented to readers

Source: the OpenAI API reference and the official client's stream parser, read 2026-11.
"""
