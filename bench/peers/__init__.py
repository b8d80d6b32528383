"""egoact beside what others would run: the same weights, the same clip, outputs checked, in turns in one run."""
