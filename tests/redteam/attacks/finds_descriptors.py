# aim: use a descriptor that the kit has left open
# expect: pass
# control: none
import os
for number in range(3, 1000):
    try:
        os.fstat(number)
        print("REACHED", number)
    except OSError:
        pass
