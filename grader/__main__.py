"""``python -m grader``: the kit without nox."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - said before anything is imported that an older one does not have
    sys.stderr.write("grader: Python 3.11 or newer is needed; this is " + sys.version.split()[0] + "\n")
    sys.exit(2)

from grader.cli import main

sys.exit(main(sys.argv[1:]))
