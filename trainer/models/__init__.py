"""The networks: SlowFast (appearance, motion), BEATs (audio) and the fused model of the paper."""
