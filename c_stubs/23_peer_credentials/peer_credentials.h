#include <stddef.h>

/* Store the process, user and group at the other end of the Unix stream socket fd,
   as the kernel took them down when it was connected.  Returns 0, or -1 with errno
   set: ENOTCONN where the kernel's user id is (unsigned)-1, which is nobody's;
   EINVAL where a result has no place; what else getsockopt() says. */
int peer_of(int fd, int *pid, unsigned *uid, unsigned *gid);

/* Listen on a Unix stream socket at path, of mode 0666, and send each client
   "welcome\n" if its user id is one of the count in allowed, else "denied\n"; then
   close, and serve the next.  Nothing has to come from a client.  Goes on until the
   process is ended.  Returns -1 with errno set where it cannot listen (ENAMETOOLONG,
   EADDRINUSE), or where accept() fails with EBADF, EINVAL, ENOTSOCK or EFAULT;
   after any other error of accept() it tries again.  SIGPIPE may be ignored. */
int serve(const char *path, const unsigned *allowed, size_t count);
