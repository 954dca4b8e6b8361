"""The documentation, made from endpoint declarations.

    openapi    the OpenAPI 3.1 document

The endpoint table is handed in. May import: formats, core. No transport.
"""
