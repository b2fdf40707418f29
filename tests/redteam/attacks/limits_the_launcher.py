# aim: take the launcher's descriptors away (prlimit(2))
# expect: pass
# control: reached
import os, resource
try:
    resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, 0))
    print("REACHED")
except (OSError, PermissionError):
    pass
