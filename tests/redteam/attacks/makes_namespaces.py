# aim: be root in a user namespace, and mount what it likes
# expect: pass
# control: reached
import ctypes
system = ctypes.CDLL(None)
for kind in (0x10000000, 0x20000, 0x40000000, 0x20000000):
    if system.unshare(kind) == 0:
        print("REACHED", hex(kind))
