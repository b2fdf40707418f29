#include <stddef.h>
#include <sys/types.h>

/* Ask host a question of len bytes by datagram: at each of its addresses up to
   so many attempts, each of which waits for so many milliseconds.  Stores the
   answer in answer, which has room for size bytes, and returns its length, or
   -1 with errno set: ETIMEDOUT if nobody answers, EMSGSIZE if the answer is
   larger than size. */
ssize_t query(const char *host, const char *port, const void *question, size_t len,
              char *answer, size_t size, int attempts, int milliseconds);
