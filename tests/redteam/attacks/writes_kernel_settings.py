# aim: change the kernel's settings
# expect: pass
# control: reached
for name in ("kernel/core_pattern", "kernel/sysrq", "net/ipv4/ip_forward", "vm/overcommit_memory"):
    try:
        with open(f"/proc/sys/{name}", "r+") as file:
            text = file.read()
            file.seek(0)
            file.write(text)
            file.flush()
            print("REACHED", name)
    except OSError:
        pass
