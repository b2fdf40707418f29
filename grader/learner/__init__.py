"""How to run untrusted code in a child process and watch it."""
