# aim: go on when the check is over
# expect: fail
# control: none
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 4096)
        os.execv("/bin/sleep", ["canary-@TOKEN@", "1000"])
    os._exit(0)
