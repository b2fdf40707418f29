/* A server with a socket and a thread for each family. */

#include "dual_stack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <time.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int listener_of(int family, const char *port)
{
    struct addrinfo hints, *list;
    int fd, rc, error, one = 1;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    rc = getaddrinfo(NULL, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    fd = socket(family, SOCK_STREAM, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if ((family == AF_INET6 &&
             setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) == -1) ||
            bind(fd, list->ai_addr, list->ai_addrlen) == -1 ||
            listen(fd, 16) == -1) {
            error = errno;
            close(fd);
            errno = error;
            fd = -1;
        }
    }
    error = errno;
    freeaddrinfo(list);
    errno = error;
    return fd;
}

/* Tell the client of a connection its address. */
static void tell(int fd, const struct sockaddr_storage *who)
{
    char text[INET6_ADDRSTRLEN];
    const void *address = who->ss_family == AF_INET
                              ? (const void *)&((const struct sockaddr_in *)who)->sin_addr
                              : (const void *)&((const struct sockaddr_in6 *)who)->sin6_addr;
    size_t len, done = 0;

    inet_ntop(who->ss_family, address, text, sizeof text);
    len = strlen(text);
    while (done < len) {
        ssize_t n = send(fd, text + done, len - done, MSG_NOSIGNAL);

        if (n >= 0)
            done += n;
        else if (errno != EINTR)
            break;
    }
}


static int attend(int listener)
{
    const struct timespec moment = { 0, 5000000 };

    for (;;) {
        struct sockaddr_storage who;
        socklen_t len = sizeof who;
        int fd = accept(listener, (struct sockaddr *)&who, &len);

        if (fd != -1) {
            tell(fd, &who);
            close(fd);
            continue;
        }
        switch (errno) {
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
        case EFAULT:
            return errno;
        case EINTR:
            break;
        default:
            nanosleep(&moment, NULL);
        }
    }
}

static void *attend_too(void *listener)
{
    attend(*(int *)listener);
    return NULL;
}

int serve(const char *port)
{
    int four = listener_of(AF_INET, port), six, error;
    pthread_t helper;

    if (four == -1)
        return -1;
    six = listener_of(AF_INET6, port);
    error = six == -1 && errno != EAFNOSUPPORT ? errno : 0;
    if (error == 0 && six != -1)
        error = pthread_create(&helper, NULL, attend_too, &six);
    if (error == 0) {
        error = attend(four);
        if (six != -1) {
            shutdown(six, SHUT_RDWR);           /* wakes accept() */
            pthread_join(helper, NULL);
        }
    }
    close(four);
    if (six != -1)
        close(six);
    errno = error;
    return -1;
}
