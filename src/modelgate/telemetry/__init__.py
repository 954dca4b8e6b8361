"""What the installation tells its operator: log lines and metrics.

`logs` writes one line for each event on stderr, with secrets taken out. `metrics` counts requests cheaply and sums over processes.
May import: core. Nothing here knows a request's body.
"""
