"""Child processes: a channel to talk to them, a server that forks them warm."""
