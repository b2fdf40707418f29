"""The language that checks are written in: subject, verb, object.

Each verb does one thing over real sockets or waits for one event, notes it for
the transcript, and raises `Broken` when the learner's program does otherwise.
"""
