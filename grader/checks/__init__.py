"""What a learner's code must pass; one file an exercise, ``check_<slug>.py``."""
