# aim: read secrets in the first process' environment
# expect: pass
# control: reached
import os
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            if b"CANARY_TOKEN" in file.read():
                print("REACHED", pid)
    except OSError:
        pass
