"""The documentation of an instance, made from endpoint declarations, guides and the handbook.

    pages          a page as data; what the site renders
    tree           which pages there are, in which order; `navigation` places them and adds one for every endpoint left over
    builder        pages out of declarations and texts
    fields         tables of fields out of types
    examples       requests and answers out of cases
    path_parameters  what stands in the braces of paths
    refusals       what can go wrong at an endpoint
    texts          guides/, samples/, answers/ and handbook/ (the repository's docs/) in this folder; `markdown` reads them
    schemas        JSON schemas fit for readers
    openapi        the OpenAPI 3.1 document
    render         a page as Markdown
    site           everything that is handed out, by path
    web_files      the built web app in web/

The endpoint table is handed in. May import: formats, core. No transport.
"""
