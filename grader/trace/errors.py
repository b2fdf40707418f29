"""Names of errors, as the manual pages have them."""

from __future__ import annotations

import errno

#: Of two names for one number Python lists the one that no socket call's page has.
_COMMON = {errno.EOPNOTSUPP: "EOPNOTSUPP", errno.EAGAIN: "EAGAIN", errno.EDEADLK: "EDEADLK"}


def name_of(number: int, unknown: str = "") -> str:
    """The symbolic name of an errno; of one that has none, what stands for it, or
    the number itself; ``""`` of 0, which is no error."""
    if not number:
        return ""
    return _COMMON.get(number) or errno.errorcode.get(number) or unknown or str(number)
