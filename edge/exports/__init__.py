"""What egoact said of a clip, in formats that other programs read."""
