"""What helps a learner along: hints, progress, a fresh stub, the reference, terms explained."""
