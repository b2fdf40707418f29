/* One service over IPv4 and IPv6: tell each client its address. */

#include "dual_stack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Close fd without losing errno.  Returns -1. */
static int give_up(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
    return -1;
}

/* Bind fd to port, on every address of its family.  Returns 0, or -1 with errno set. */
static int bind_to(int fd, int family, const char *port)
{
    struct addrinfo hints, *found;
    int error, result;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;        /* addresses to accept on */
    error = getaddrinfo(NULL, port, &hints, &found);
    if (error != 0) {
        /* EAI_ codes are no errnos, except where they say so. */
        if (error != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    result = bind(fd, found->ai_addr, found->ai_addrlen);
    error = errno;
    freeaddrinfo(found);
    errno = error;
    return result;
}

/* Listen on port, over both families, or over IPv4 alone where there is no IPv6.
   Returns the listening socket, or -1 with errno set. */
static int listen_on(const char *port)
{
    int family = AF_INET;
    int listener = socket(family, SOCK_STREAM, 0);

    if (listener == -1)
        return -1;
    if (bind_to(listener, family, port) == -1 || listen(listener, 10) == -1)
        return -1;
    return listener;
}

/* Print an address, an IPv4 client's as an IPv4 address. */
static void print(const struct sockaddr_storage *address, char *text, socklen_t size)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

    if (address->ss_family == AF_INET)
        inet_ntop(AF_INET, &in->sin_addr, text, size);
    else
        inet_ntop(AF_INET6, &in6->sin6_addr, text, size);
}

/* Send all len bytes of data on fd, as far as the client takes them. */
static void send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n;

        n = send(fd, data, len, 0);
        if (n == -1)
            return;             /* the client is gone */
        data += n;
        len -= (size_t)n;
    }
}

int serve(const char *port)
{
    const struct timespec moment = { 0, 10000000 };
    struct sockaddr_storage address;
    char text[INET6_ADDRSTRLEN];
    int listener = listen_on(port);

    if (listener == -1)
        return -1;
    for (;;) {
        socklen_t length = sizeof(struct sockaddr);
        int connection = accept(listener, (struct sockaddr *)&address, &length);

        if (connection == -1) {
            if (errno != EINTR)
                return give_up(listener);
            nanosleep(&moment, NULL);   /* descriptors may lack for a while */
            continue;
        }
        print(&address, text, sizeof text);
        send_all(connection, text, strlen(text));
        close(connection);
    }
}
