# aim: leave something on the machine
# expect: pass
# control: reached
import os
for folder in ("/", "/etc", "/usr", "/usr/lib", "/var/tmp", "/dev", "@CANARY@"):
    try:
        os.close(os.open(f"{folder}/left-behind", os.O_CREAT | os.O_WRONLY))
        os.unlink(f"{folder}/left-behind")
        print("REACHED", folder)
    except OSError:
        pass
