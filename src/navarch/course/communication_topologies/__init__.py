"""Lab 03, Communication Topologies: the same money wired three ways, and who sits where.

`variant` draws each student's numbers; `wired`, `exchange`, `placement` and `collisions` hold the instruments of the
predictions, `measured` the rings that really run, `challenge` the design; `figures` draws.
"""
