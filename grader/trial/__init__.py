"""One performance of a check, or many under torture: a script in, a verdict out."""
