"""Training objectives, one file a method: method.py says what a loop asks of them, table.py names them."""
