"""Measures Modelgate against nginx on one machine: `make bench`. See README.md for the method and for what was found.

__main__          the plan: which scenarios, in which order, and the verdict
scenarios         what is asked and what is answered
mock              nginx as an instant upstream, nginx as the reference proxy
streams           an upstream that writes a hundred separate chunks (its own process)
gateway           a throwaway installation of Modelgate
load              wrk, and the counts that must agree
latency           an open-loop client at a fixed rate (its own process)
crowd             a thousand idle or streaming connections (its own process)
processes         cores, CPU time and memory of process trees
report            the table and the JSON
inside            our own code alone, between fake sockets
dialects          the same traffic in each dialect of conversations
dialects_inside   our own code alone, dialect by dialect, translated and passed
dialects_load     the same over real sockets
replay            the upstream of every dialect (its own process)
"""
