/*
 * expect: pass
 * gap: none
 * cause: -
 * shows: -
 */
#define _GNU_SOURCE
#include "tcp_server.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Wait for an event, a millisecond at a time. */
static int ready(int fd, short event)
{
    struct pollfd one = { .fd = fd, .events = event };
    int n;

    do
        n = poll(&one, 1, 1);
    while (n == 0 || (n == -1 && errno == EINTR));
    return n;
}

static int closed(int fd, int error)
{
    close(fd);
    errno = error;
    return -1;
}

static int open_door(const char *port)
{
    const struct addrinfo wanted = { .ai_flags = AI_PASSIVE, .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
    struct addrinfo *list, *a;
    int yes = 1, door = -1, code = getaddrinfo(NULL, port, &wanted, &list), error = 0;

    if (code) {
        if (code != EAI_SYSTEM)
            errno = code == EAI_MEMORY ? ENOMEM : ENOENT;
        return -1;
    }
    for (a = list; a; a = a->ai_next) {
        door = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK, a->ai_protocol);
        if (door < 0) {
            error = errno;
            continue;
        }
        if (!setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) && !bind(door, a->ai_addr, a->ai_addrlen))
            break;
        error = errno;
        door = closed(door, error);
    }
    freeaddrinfo(list);
    if (door < 0)
        errno = error;
    else if (listen(door, 1))
        door = closed(door, errno);
    return door;
}

int greet_one(const char *port)
{
    const char *text = "Hi client - you have successfully connected!", *end = text + strlen(text);
    int guest, door = open_door(port);

    if (door < 0)
        return -1;
    do {
        if (ready(door, POLLIN) < 0)
            return closed(door, errno);
        guest = accept4(door, NULL, NULL, SOCK_NONBLOCK);
    } while (guest < 0 && (errno == EAGAIN || errno == EINTR));
    if (guest < 0)
        return closed(door, errno);
    close(door);
    while (text < end) {
        ssize_t n = send(guest, text, (size_t)(end - text), MSG_NOSIGNAL);

        if (n >= 0)
            text += n;
        else if (errno == EAGAIN ? ready(guest, POLLOUT) < 0 : errno != EINTR)
            return closed(guest, errno);
    }
    close(guest);
    return 0;
}
