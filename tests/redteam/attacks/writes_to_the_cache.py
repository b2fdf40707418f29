# aim: poison what the next submission will load
# expect: pass
# control: reached
import glob, os
for folder in ("@CACHE@", *glob.glob("@CACHE@/*")):
    if os.access(folder, os.W_OK):
        print("REACHED", folder)
