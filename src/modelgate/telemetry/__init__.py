"""What the installation tells its operator: log lines and metrics.

`logs` writes one line for each event on stderr, with secrets taken out. `metrics` counts requests cheaply,
`counts` are the files in which each process leaves what it has counted, and `metrics_page` sums them up.
May import: core. Nothing here knows a request's body.
"""
