# aim: have more than its share
# expect: pass
# control: reached
import os, resource
for what in (resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_CPU):
    soft, hard = resource.getrlimit(what)
    try:
        resource.setrlimit(what, (hard + 1, hard + 1))
        print("REACHED", what)
    except (OSError, ValueError):
        pass
try:
    os.nice(-5)
    print("REACHED nice")
except OSError:
    pass
