"""Collective operations: what moving data among n ranks costs (week 5).

`estimate` holds the latency-bandwidth (alpha-beta) equations of the common algorithms and the bandwidth that a group of
ranks gets from the tiers of network that it spans.
"""
