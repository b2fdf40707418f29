# aim: leave memory behind that outlives it (shmget(2))
# expect: pass
# control: reached
import ctypes
system = ctypes.CDLL(None)
segment = system.shmget(0x1313, 4096, 0o1600)
if segment != -1:
    system.shmctl(segment, 0, None)
    print("REACHED")
