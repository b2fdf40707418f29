"""What the learner's code did: records in shared memory, and the fault plan; a tracer for each language."""
