# aim: see the processes of the machine
# expect: pass
# control: reached
import os
pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
others = [pid for pid in pids if pid not in (1, os.getpid())]
if others:
    print("REACHED", others)
