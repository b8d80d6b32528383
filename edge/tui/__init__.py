"""The terminal view: one Textual app, one file a panel, fed by one immutable Snapshot a tick.

Nothing is imported here, so that the rest of egoact runs without loading Textual.
"""
