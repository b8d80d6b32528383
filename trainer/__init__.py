"""Models, data, features, training and evaluation. May import `edge`; needs torch."""
