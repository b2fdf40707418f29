#include <stddef.h>
#include <sys/types.h>

/* Run the program argv[0], found by PATH, with the arguments argv, which ends with
   NULL.  One socket is its standard input and output: it reads len bytes of data
   and their end, and what it writes is stored in reply, which has room for size
   bytes.  Returns the length of the reply, with the program's exit code or minus the
   number of the signal that ended it in *status; or -1 with errno set. */
ssize_t run_filter(char *const argv[], const void *data, size_t len,
                   char *reply, size_t size, int *status);
