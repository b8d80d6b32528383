"""What this machine has, what egoact needs of it, and for each problem the one command that mends it."""
