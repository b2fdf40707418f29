#include <stddef.h>
#include <sys/types.h>

/* Find the routers on the way to host: at most max_hops of them, each asked up
   to three times, with so many milliseconds to answer each time.  Stores in
   text, which has room for size bytes, a line for each hop, "1 10.0.1.1" or
   "2 *", and a zero behind the last.  Returns the number of lines, or -1 with
   errno set: EMSGSIZE if they do not fit. */
int traceroute(const char *host, int max_hops, int milliseconds, char *text,
               size_t size);
