"""Lab 04, The Storage Hierarchy: who feeds a thousand accelerators, and what their checkpoints ask.

`variant` draws each student's numbers; `demand`, `feeding`, `checkpoints` and `small_files` hold the instruments of the
predictions, `measured` what this machine's storage really does, `challenge` the design; `figures` draws.
"""
