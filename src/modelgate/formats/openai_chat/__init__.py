"""The OpenAI chat completions dialect (POST /v1/chat/completions): what a gateway must read of it, and its errors.

Traffic of the same dialect on both sides passes as bytes; only the model name, the usage option and the usage-only chunk
are touched. Source: the OpenAI API reference and the official client's stream parser, read 2026-11.
"""
