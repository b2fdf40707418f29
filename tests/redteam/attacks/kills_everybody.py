# aim: end every process that it may signal
# expect: pass
# control: none
import os, signal
if os.getenv("CANARY_TOKEN") is None:
    try:
        os.kill(-1, signal.SIGCONT)
    except OSError:
        pass
for pid in (1, os.getppid()):
    try:
        os.kill(pid, signal.SIGSTOP)
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
