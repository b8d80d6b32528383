"""The contract and the on-device runtime of egoact. Imports no other package of ours and never torch."""
