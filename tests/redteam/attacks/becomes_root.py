# aim: get root's rights
# expect: pass
# control: reached
import os
for become in (os.setuid, os.seteuid, os.setgid):
    try:
        become(0)
        print("REACHED", become.__name__)
    except OSError:
        pass
