/* Listen on port, on every IPv4 address of this machine, and relay each client to
   service at host: what either of the two sends goes to the other one, its
   end-of-file, too.  Each receive appends a line to the file log before its bytes
   go on: "1 > 5 68656c6c6f", "1 < eof", "1 > reset", with the client's number,
   counted from 1 as clients are accepted, and > for what it has sent, < for what
   has come back.  At most 65,536 bytes of a direction wait here.  Goes on until
   the process is ended.  Returns -1 with errno set where host, service or port
   cannot be looked up, where it cannot listen, or where accept() fails with EBADF,
   EINVAL, ENOTSOCK or EFAULT.  Signal dispositions may be set for the process. */
int serve(const char *port, const char *host, const char *service,
          const char *log);
