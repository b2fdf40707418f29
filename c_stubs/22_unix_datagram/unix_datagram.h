#include <stddef.h>
#include <sys/types.h>

/* Send a question of at most 65,536 bytes to the Unix datagram socket at path, and
   receive its answer into a buffer of size bytes, all within so many milliseconds.
   Returns the answer's length, or -1 with errno set: ETIMEDOUT when the time is up,
   EMSGSIZE where the answer does not fit, EINVAL for a bad argument, ENAMETOOLONG for
   a path of more than 107 bytes, connect()'s own error where no such server is. */
ssize_t ask(const char *path, const void *question, size_t len,
            char *answer, size_t size, int milliseconds);
