"""What may be kept of a live run when its wearer asks for it: a moment, or a rolling recording. By default nothing."""
