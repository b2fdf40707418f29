# aim: have more processes than the machine
# expect: any
# control: none
import os, signal
children = []
try:
    for _ in range(3000):
        pid = os.fork()
        if pid == 0:
            signal.pause()
            os._exit(0)
        children.append(pid)
    print("REACHED")
except OSError:
    pass
for pid in children:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
