/* What the small main() of `run` uses: see by_hand.py. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define HELPER __attribute__((unused)) static

/* Print what a function has returned, and of -1 what errno says.  Returns the exit
   code for it. */
HELPER int tell(const char *name, long value)
{
    int error = errno;
    printf("%s() returned %ld", name, value);
    if (value == -1)
        printf(", errno %d: %s", error, strerror(error));
    printf("\n");
    fflush(stdout);
    return value == -1;
}

/* The same of a function that returns how many bytes it has stored. */
HELPER int tell_bytes(const char *name, long count, const void *data)
{
    const unsigned char *bytes = data;
    if (count < 0)
        return tell(name, count);
    printf("%s() returned %ld: \"", name, count);
    for (long i = 0; i < count; i++)
        if (bytes[i] == '\n')
            printf("\\n");
        else if (bytes[i] == '\r')
            printf("\\r");
        else if (isprint(bytes[i]))
            putchar(bytes[i]);
        else
            printf("\\x%02x", bytes[i]);
    printf("\"\n");
    fflush(stdout);
    return 0;
}

/* Whoever connects first. */
HELPER int client(const char *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)) };
    int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1 || listen(listener, 1) == -1) {
        perror(port);
        exit(1);
    }
    int connection = accept(listener, NULL, NULL);
    close(listener);
    printf("a client has connected\n");
    fflush(stdout);
    return connection;
}

/* Bytes that are written in hexadecimal; returns how many. */
HELPER size_t from_hex(const char *text, unsigned char *bytes, size_t size)
{
    size_t count = 0;
    unsigned value;
    for (int used = 0; count < size && sscanf(text, " %2x%n", &value, &used) == 1; text += used)
        bytes[count++] = (unsigned char)value;
    return count;
}

/* Wait until strace follows this process, so that it shows none of the start. */
HELPER void await_tracer(void)
{
    struct timespec pause = { 0, 5000000 };
    char line[128];
    int tracer = 0;
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    while (tracer == 0) {
        FILE *status = fopen("/proc/self/status", "r");
        while (status != NULL && fgets(line, sizeof line, status) != NULL)
            if (sscanf(line, "TracerPid: %d", &tracer) == 1)
                break;
        if (status == NULL)
            return;
        fclose(status);
        nanosleep(&pause, NULL);
    }
}
