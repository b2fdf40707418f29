"""Standard mutants (law 7): every small change of a program that a peer should notice."""
