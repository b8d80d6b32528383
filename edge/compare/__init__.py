"""Any two engine sets on the same clips: what differs, where, and whether the labels still agree."""
