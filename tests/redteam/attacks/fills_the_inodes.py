# aim: fill the kernel's memory with empty files
# expect: pass
# control: none
import os
try:
    os.mkdir("/tmp/many")
    for number in range(100_000):
        os.mknod(f"/tmp/many/{number}")
    print("REACHED")
except OSError:
    pass
