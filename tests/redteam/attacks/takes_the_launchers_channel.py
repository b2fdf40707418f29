# aim: take a descriptor of the launcher (pidfd_getfd(2))
# expect: pass
# control: reached
import ctypes, os
system = ctypes.CDLL(None)
handle = os.pidfd_open(os.getppid())
for number in range(64):
    if system.syscall(438, handle, number, 0) != -1:
        print("REACHED", number)
        break
