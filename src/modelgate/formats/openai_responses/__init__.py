"""The OpenAI responses dialect (POST /v1/responses): a conversation as a list of items, answered with items.

As the client's and as the upstream's dialect it is translated through the hub; with the same dialect on both sides bytes pass, and
only the model's name and the ids of stored answers are touched.
Source: the OpenAI API reference and the official Python client (openai 3.54), read 2026-11.

    schema            the parts that are looked at
    peek              what routing and money need of a request, and what its answer says again of it
    items, request    a request read into the hub
    input_items, upstream_request   the hub's request written for an upstream
    answer            an answer as it grows, told in events
    response          a whole answer written and read
    stream_encoder, stream_decoder  a stream written and read
    passage           requests, answers and streams that pass
    verbs             the other calls on a stored answer
    nesting, usage, errors          what chat completions spell otherwise
    wire              WIRE_FORMAT
    reference         types for the documentation
"""

NAME = "openai_responses"
