"""The hub for conversations: what a chat is, whatever the dialect it came in by and whoever answers it.

Dialects translate through here, never pairwise: client bytes -> `ChatRequest` -> upstream bytes, and back as `ChatResponse` or as
`StreamEvent`s. Traffic with the same dialect on both sides never enters. May import: core. No I/O, clock or randomness.

    request     ChatRequest, its messages, parts and tools
    response    ChatResponse, and how it becomes events or is collected from them
    events      what a streamed answer is made of
    wire_format what a dialect brings along, and how the dialects are found
    translator  a stream from one dialect into another, in the shape the relay passes streams through
    carried     state of one vendor that travels inside ids we hand out
    media_type  what bytes are, by looking at them
"""
