"""One result model in, text out."""
