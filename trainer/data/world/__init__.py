"""The built-in world: labelled first-person clips with sound, drawn and synthesised by rules, deterministic by seed."""
