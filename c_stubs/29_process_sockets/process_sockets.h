#include <stddef.h>

/* Write a line for each TCP, UDP and Unix domain socket of a process to text, sorted
   by their bytes: "tcp LISTEN 127.0.0.1:3490 -".  text has room for size bytes, the
   zero at its end included.  Returns the length of the text, without the zero, or -1
   with errno set: ESRCH if there is no such process, EACCES if it is another user's,
   EMSGSIZE if the text does not fit, EINVAL if text is a null pointer and size is
   not 0. */
int sockets_of(int pid, char *text, size_t size);
