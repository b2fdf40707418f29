"""Thirteen Bytes: a pytest grader for socket programs that almost work.

The rooms, and what each knows:

=============  =============================================================
catalogue      the exercises' files and their schema
build          C sources in, loadable modules or the compiler's words out
processes      child processes: messages to them, a server that forks them
learner        how to run untrusted code in a child, and to watch it
peers          how the other end behaves, step by step
stage          the engine under the checks: who is on stage, waiting, rest, death, what is left
verbs          the language of checks: the learner, its peers, its clock
verdict        evidence in, a gap out
report         one result model in, text out
plugin         the wiring to pytest
checks         what the learner's code must pass
=============  =============================================================
"""

__version__ = "0.1.0"
