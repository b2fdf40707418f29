"""What evidence says about causes, one rule a function.

A rule looks at the trace and yields `Finding` objects.  It is either an
*explanation*, asked only when a check has failed, or a *violation*, which takes
a pass away by itself (a contract's rule that no peer can see, like an address
list that is never freed).  A rule that is not sure yields nothing.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from grader.verdict.rule import EXPLANATIONS, VIOLATIONS

__all__ = ["EXPLANATIONS", "VIOLATIONS"]

# The rules register themselves; of two findings at the same record that of the
# first module by name wins, whichever module was loaded for another one's sake.
for _module in Path(__file__).parent.glob("[a-z]*.py"):
    importlib.import_module(f"{__name__}.{_module.stem}")
for _rules in (EXPLANATIONS, VIOLATIONS):
    _rules.sort(key=lambda rule: rule.__module__)
