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

# The rules register themselves, module after module; of two findings at the same
# record the one registered first wins.
for _module in sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")):
    importlib.import_module(f"{__name__}.{_module}")
