"""``python -m grader``: the kit without nox."""

import sys

from grader.cli import main

sys.exit(main(sys.argv[1:]))
