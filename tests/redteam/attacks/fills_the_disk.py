# aim: fill the disk with large files
# expect: pass
# control: none
import os
size = 0
try:
    for number in range(4096):
        with open(f"/tmp/large-{number}", "wb") as file:
            file.write(bytes(1 << 20))
            size += 1 << 20
        if size > 256 << 20:
            print("REACHED")
            break
except OSError:
    pass
