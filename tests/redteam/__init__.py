"""Programs that attack the grader, and what must come of each.

An attack stands in front of the right solution of an exercise.  It prints ``REACHED``
when it has got where it wants to, which fails the check and can be read in the report;
stopped, it lets the solution do its work.  In its head: ``aim``, ``expect`` (a verdict,
or ``any`` that is none of the kit's own fault) and ``control`` (``reached`` where the
same attack, without the confinement, has to get there: else it proves nothing).
"""
