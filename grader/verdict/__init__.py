"""Evidence in, a gap out.

The rooms before this one gather evidence, the one after it shows what is found
here; nothing here starts a process or prints a line.
"""
