"""Audio narrations: what is heard in a clip, as a sentence (the paper's section 2.1 takes Pengi's)."""
