# aim: leave a message in the kernel's keyring
# expect: pass
# control: reached
import ctypes
if ctypes.CDLL(None).syscall(248, b"user", b"thirteen", b"x", 1, -5) != -1:
    print("REACHED")
