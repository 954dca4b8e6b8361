"""Usage to money: prices, holds, leases, budgets, rate limits.

    prices.py      what a request costs: rates, groups, estimates and exact charges
    media.py       what media work costs
    price_list.py  the shipped list, `data/prices.toml`
    rates.py       requests and tokens per minute, in memory shared by a node's processes
    periods.py     what a key's limit is counted over
    meter.py       what the gateway calls: open a hold, capture it or release it
    leases.py      what one relay may spend
    messages.py    what a relay and the book say to each other
    book.py        the book's engine: grants, recalls, refusals
    store.py       what the book's engine needs kept, as a Protocol

May import: core, formats, providers, telemetry; never storage, which is handed in. Its only I/O is the mapped file of `rates.py`.
"""
