"""What the learner's code did: records in shared memory, and the fault plan."""
