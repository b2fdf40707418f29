# aim: end with success before anything is judged
# expect: crash
# control: none
import os
os._exit(0)
