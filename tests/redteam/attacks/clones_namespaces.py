# aim: make a user namespace by clone(2), around a filter of unshare(2)
# expect: pass
# control: reached
import ctypes, os
pid = ctypes.CDLL(None).syscall(56, 0x10000000 | 17, None, None, None, None)
if pid == 0:
    os._exit(0)
if pid > 0:
    os.waitpid(pid, 0)
    print("REACHED")
