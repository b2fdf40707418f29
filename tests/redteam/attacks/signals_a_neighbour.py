# aim: signal a process of somebody else
# expect: pass
# control: reached
import os
try:
    os.kill(@PID@, 0)
    print("REACHED")
except OSError:
    pass
