# aim: put code into the launcher
# expect: pass
# control: reached
import os
for pid in {1, os.getppid()}:
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR))
        print("REACHED", pid)
    except OSError:
        pass
