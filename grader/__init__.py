"""Thirteen Bytes: a pytest grader for socket programs that almost work.

The rooms; a room knows some of those below it, and none beside it:

=============  =============================================================
verify         that the exercises obey their laws
new            how an exercise begins
coach          what helps a learner along: hints, progress, the reference, words explained
plugin         the wiring to pytest
trial          a check is played, under torture too: a script in, a verdict out
checks         what the learner's code must pass
verbs          the language of checks: the learner, its peers, its clock
stage          the engine under them: who is there, waiting, rest, death
report         one result model in, text out
verdict        evidence in, a gap out
build          C sources in, loadable modules or the compiler's words out
learner        how to run untrusted code in a child, and to watch it
peers          how the other end behaves, step by step
confine        how to shut a process in, and to prove it
catalogue      the exercises' files and their schema
trace          which calls there are, how a record looks, and two tracers
processes      child processes: messages to them, a server that forks them
wire           frames as they pass on a network, made field by field
=============  =============================================================

`nox -s lint` holds the walls (pyproject.toml, ``importlinter``).
"""

__version__ = "0.1.0"
