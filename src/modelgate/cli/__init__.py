"""The command line: one file per command, loaded only when it is called.

    main.py           the table of commands, and how errors end
    installation.py   --data and --database, and what they open
    values.py         option values: money, times, lists
    output.py         tables for people, JSON for machines

May import everything below. Commands import what is heavy inside their functions: start-up time is felt.
"""
