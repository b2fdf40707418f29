"""The tracer of Python programs: wrappers in the interpreter, installed before they are loaded."""
