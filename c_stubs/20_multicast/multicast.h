#include <stddef.h>
#include <sys/types.h>

/* Send message, of len bytes, as one datagram to port of a multicast group, through
   the interface of this machine that has that address, and no further than its
   network.  Returns 0, or -1 with errno set. */
int announce(const char *group, const char *port, const char *interface,
             const void *message, size_t len);

/* Join a multicast group at the interface of this machine that has that address,
   and wait for the first datagram that is sent to port of the group.  Returns its
   length, or -1 with errno set, EMSGSIZE if it has more than size bytes. */
ssize_t hear(const char *group, const char *port, const char *interface,
             char *message, size_t size);
