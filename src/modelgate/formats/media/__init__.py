"""The hub for media: neutral image requests, their inputs, and the words for what went wrong.

Client dialects (`formats/kling`, …) decode into these, vendors (`providers/`) encode from them. A task keeps its request as
the JSON of these structs. May import: core. No I/O, clock or randomness.

    requests   MediaInput, ImageRequest, and how a task stores them
    family     what a client dialect brings along, and how the dialects are found
    refusals   the neutral words of `VendorState.error_code` and `Task.error_code`
    limits     rules that many vendors have; `vendor_calls`, `vendor_answers`, `vendor_status`: what their calls and answers have in common
"""
