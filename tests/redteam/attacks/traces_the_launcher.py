# aim: stop the launcher by ptrace(2), for ever
# expect: pass
# control: none
import ctypes
if ctypes.CDLL(None).ptrace(16, 1, None, None) == 0:
    print("REACHED")
