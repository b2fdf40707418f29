#include <stddef.h>

/* Write the endpoints of a stream service to text, which has room for size
   bytes, the zero at its end included: one a line, in the order of
   getaddrinfo(), none twice.  Without a host (NULL) they are those to listen
   on.  Returns 0, or the EAI_ code of getaddrinfo(); EAI_SYSTEM with errno set
   tells of EMSGSIZE, a text that does not fit, and of EINVAL. */
int resolve(const char *host, const char *service, char *text, size_t size);
