"""What of a learner's process is the kit's own."""

#: The kit's own descriptors in a learner's process lie from here on.
KIT_DESCRIPTORS = 1000
#: Exit status of a process that cannot reach the judge any more.
CHANNEL_LOST = 87
