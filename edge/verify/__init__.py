"""How right a model is on annotated clips: by rows, by segments, offline and as the stream said it."""
