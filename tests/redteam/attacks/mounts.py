# aim: change what the folders hold
# expect: pass
# control: none
import ctypes
system = ctypes.CDLL(None)
if system.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0:
    print("REACHED mount")
if system.umount2(b"/usr", 2) == 0:
    print("REACHED umount")
if system.chroot(b"/tmp") == 0:
    print("REACHED chroot")
