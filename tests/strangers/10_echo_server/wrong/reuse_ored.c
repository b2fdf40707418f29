/*
 * expect: fail
 * gap: no-reuse-address
 * cause: the option names are or-ed together, SO_REUSEADDR | SO_REUSEPORT, but they are numbers, not flags: 2 | 15 is 15, so only SO_REUSEPORT is set and SO_REUSEADDR never.
 * shows: getsockopt or strace shows SO_REUSEADDR missing; a second server on the same port does not get EADDRINUSE but takes part of the clients
 * says: SO_REUSEADDR was never set: SO_REUSEPORT, at
 */
#include "echo_server.h"
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int serve(const char *port)
{
    struct addrinfo hints, *res, *rp;
    int server_fd = -1, new_socket, opt = 1, rc, err = 0;
    char buffer[1024];

    if (port == NULL) {
        errno = EINVAL;
        return -1;
    }

    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    rc = getaddrinfo(NULL, port, &hints, &res);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }

    for (rp = res; rp != NULL; rp = rp->ai_next) {
        server_fd = socket(rp->ai_family, rp->ai_socktype, rp->ai_protocol);
        if (server_fd < 0) {
            err = errno;
            continue;
        }
        /* forcefully attach the socket to the port */
        if (setsockopt(server_fd, SOL_SOCKET, SO_REUSEADDR | SO_REUSEPORT,
                       &opt, sizeof(opt)) == 0
            && bind(server_fd, rp->ai_addr, rp->ai_addrlen) == 0
            && listen(server_fd, 3) == 0)
            break;
        err = errno;
        close(server_fd);
        server_fd = -1;
    }
    freeaddrinfo(res);
    if (server_fd < 0) {
        errno = err;
        return -1;
    }

    while (1) {
        new_socket = accept(server_fd, NULL, NULL);
        if (new_socket < 0) {
            struct timespec tick = { 0, 100000000L };
            switch (errno) {
            case EBADF: case EINVAL: case ENOTSOCK: case EFAULT:
                err = errno;
                close(server_fd);
                errno = err;
                return -1;
            case EINTR: case ECONNABORTED:
                continue;
            default:
                nanosleep(&tick, NULL);
                continue;
            }
        }
        for (;;) {
            ssize_t got = recv(new_socket, buffer, sizeof(buffer), 0), done = 0, n = 0;
            if (got < 0 && errno == EINTR)
                continue;
            if (got <= 0)
                break;
            while (done < got) {
                n = send(new_socket, buffer + done, got - done, MSG_NOSIGNAL);
                if (n < 0 && errno == EINTR)
                    continue;
                if (n < 0)
                    break;
                done += n;
            }
            if (n < 0)
                break;
        }
        close(new_socket);
    }
}
