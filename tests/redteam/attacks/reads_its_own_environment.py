# aim: find the caller's secrets in its own environment
# expect: pass
# control: none
import os
if "CANARY_TOKEN" in os.environ:
    print("REACHED")
