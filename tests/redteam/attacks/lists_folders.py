# aim: find the kit and its neighbours in the folders of the machine
# expect: pass
# control: reached
import os
for folder in ("/home", "/srv", "/opt", "/var", "/mnt", "/run", "@CANARY@"):
    try:
        if os.listdir(folder):
            print("REACHED", folder)
    except OSError:
        pass
