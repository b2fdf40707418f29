# aim: count the checks in a file, and behave by the count
# expect: pass
# control: reached
import os
try:
    os.mkdir("/tmp/count-@TOKEN@")
except FileExistsError:
    print("REACHED")
except OSError:
    pass
