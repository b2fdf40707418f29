/*
 * Wrappers of the resolver, and of the stdio calls that hide a descriptor.
 *
 * A script may give the answer of getaddrinfo: a name and its numeric
 * addresses, so that no check depends on /etc/hosts or on a name server.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int __real_getaddrinfo(const char *, const char *, const struct addrinfo *,
                       struct addrinfo **);
void __real_freeaddrinfo(struct addrinfo *);
struct hostent *__real_gethostbyname(const char *);
unsigned int __real_if_nametoindex(const char *);
FILE *__real_fdopen(int, const char *);
int __real_fileno(FILE *);
int __real_dprintf(int, const char *, ...);
int __real_close(int);
ssize_t trace_write(uintptr_t, int, const void *, size_t);
ssize_t trace_read(uintptr_t, int, void *, size_t);

/*
 * The scripted resolver: "name\0service\0port\0lacking\0address\0address\0\0".
 * An empty name stands for a NULL host to listen on; the service goes by that
 * port, which may be "69/udp" for a service of datagrams alone; "IPv6" or
 * "IPv4" lacks a machine that has no address of it but loopback.
 */
struct script {
    const char *service, *port, *lacking;
    const char *addresses;      /* a list of strings, ended by an empty one */
};

/* Read the script; returns whether it knows host. */
static int scripted(const char *host, struct script *script)
{
    const char *text = (const char *)trace_memory();

    *script = (struct script){ "", "", "", "" };
    if (!text)
        return 0;
    text += TRACE_RESOLVER;
    script->service = text + strlen(text) + 1;
    script->port = script->service + strlen(script->service) + 1;
    script->lacking = script->port + strlen(script->port) + 1;
    script->addresses = script->lacking + strlen(script->lacking) + 1;
    if (!host || !*host)        /* "" is a name that nobody has */
        return !host && *text == 0 && *script->addresses != 0;
    return *script->addresses != 0 && strcmp(text, host) == 0;
}

/* A port "69/udp" is that of a service of datagrams alone, which no other type
   of socket can have: ask for its number, and for its type. */
static int datagram_service(const char **service, struct addrinfo *hints,
                            char *number, size_t size)
{
    const char *end = strstr(*service, "/udp");

    if (!end)
        return 0;
    if ((hints->ai_socktype && hints->ai_socktype != SOCK_DGRAM) ||
        (hints->ai_protocol && hints->ai_protocol != IPPROTO_UDP))
        return EAI_SERVICE;
    snprintf(number, size, "%.*s", (int)(end - *service), *service);
    *service = number;
    hints->ai_socktype = SOCK_DGRAM;
    return 0;
}

/* AI_ADDRCONFIG leaves out the family that the script's machine lacks: ask for
   the other one alone. */
static int configured(const struct script *script, struct addrinfo *hints)
{
    int lacking = strcmp(script->lacking, "IPv6") == 0 ? AF_INET6 : AF_INET;

    hints->ai_flags &= ~AI_ADDRCONFIG;
    if (hints->ai_family == lacking)
        return EAI_NONAME;
    if (hints->ai_family == AF_UNSPEC)
        hints->ai_family = lacking == AF_INET6 ? AF_INET : AF_INET6;
    return 0;
}

/* Each address through the real getaddrinfo, so that hints and service are
   judged by libc; the lists are joined in the script's order. */
static int scripted_getaddrinfo(const struct script *script, const char *host,
                                const char *service,
                                const struct addrinfo *hints,
                                struct addrinfo **result)
{
    const char *address = script->addresses;
    struct addrinfo numeric = { .ai_family = AF_UNSPEC };
    struct addrinfo **end = result;
    int error = EAI_NONAME;

    if (hints)
        numeric = *hints;
    if (numeric.ai_flags & AI_NUMERICHOST && host)
        return EAI_NONAME;      /* a name, where only numbers are wanted */
    numeric.ai_flags |= AI_NUMERICHOST;
    numeric.ai_flags &= ~AI_ADDRCONFIG;         /* the script's machine has all */
    *result = NULL;
    for (; *address; address += strlen(address) + 1) {
        int rv = __real_getaddrinfo(address, service, &numeric, end);

        if (rv != 0) {
            /* an address of another family than asked for: not in the list */
            if (rv != EAI_ADDRFAMILY && rv != EAI_NONAME && rv != EAI_NODATA)
                error = rv;
            *end = NULL;
            continue;
        }
        while (*end)
            end = &(*end)->ai_next;
    }
    return *result ? 0 : error;
}

int __wrap_getaddrinfo(const char *host, const char *service,
                       const struct addrinfo *hints, struct addrinfo **result)
{
    struct call call = trace_enter(OP_GETADDRINFO, CALLER, -1,
                                   hints ? hints->ai_family : 0,
                                   hints ? hints->ai_socktype : 0,
                                   hints ? hints->ai_flags : 0,
                                   hints ? hints->ai_protocol : 0);
    struct script script;
    int known = scripted(host, &script);
    char text[TRACE_PAYLOAD_SIZE], number[8];
    int n = snprintf(text, sizeof text, "%s%c%s", host ? host : "", 0,
                     service ? service : "");
    struct addrinfo of_datagrams = { .ai_family = AF_UNSPEC }, of_machine;
    int refused = 0;
    long answer;

    if (!host && !(hints && hints->ai_flags & AI_PASSIVE))
        known = 0;              /* the script's are addresses to listen on */

    trace_keep(&call, text, n < (int)sizeof text ? (size_t)n : sizeof text);
    if (service && *service && strcmp(service, script.service) == 0 &&
        !(hints && hints->ai_flags & AI_NUMERICSERV))
        service = script.port;
    if (service && service == script.port) {
        if (hints)
            of_datagrams = *hints;
        refused = datagram_service(&service, &of_datagrams, number, sizeof number);
        if (service == number)
            hints = &of_datagrams;
    }
    if (*script.lacking && hints && hints->ai_flags & AI_ADDRCONFIG) {
        of_machine = *hints;
        refused = refused ? refused : configured(&script, &of_machine);
        hints = &of_machine;
    }
    if (trace_answers(&call, &answer))
        answer = call.fault->kinds & TRACE_RETVAL ? call.fault->retval
                                                  : EAI_SYSTEM;
    else if (refused)
        answer = refused;
    else if (known)
        answer = scripted_getaddrinfo(&script, host, service, hints, result);
    else
        answer = __real_getaddrinfo(host, service, hints, result);
    if (answer == 0)
        call.record->args[3] = (int64_t)(uintptr_t)*result;
    return (int)trace_leave(&call, answer);
}

void __wrap_freeaddrinfo(struct addrinfo *list)
{
    struct call call = trace_enter(OP_FREEADDRINFO, CALLER, -1,
                                   (int64_t)(uintptr_t)list, 0, 0, 0);

    __real_freeaddrinfo(list);
    trace_leave(&call, 0);
}

struct hostent *__wrap_gethostbyname(const char *name)
{
    struct call call = trace_enter(OP_GETHOSTBYNAME, CALLER, -1, 0, 0, 0, 0);
    struct script script;
    const char *known = scripted(name, &script) ? script.addresses : name;
    struct hostent *host = __real_gethostbyname(known);

    trace_keep(&call, name, strlen(name));
    trace_leave(&call, host ? 0 : -1);
    return host;
}

unsigned int __wrap_if_nametoindex(const char *name)
{
    struct call call = trace_enter(OP_IF_NAMETOINDEX, CALLER, -1, 0, 0, 0, 0);
    long index;

    trace_keep(&call, name, strlen(name));
    if (!trace_answers(&call, &index))
        index = __real_if_nametoindex(name);
    index = trace_leave(&call, index > 0 ? index : -1);
    return index == -1 ? 0 : (unsigned int)index;
}

/* --- stdio: libc's own reads and writes do not pass through the linker --- */

struct stream {
    int fd;
    uintptr_t caller;
};

/* The place in the learner's code that libc's stdio was called at: of fprintf,
   fflush or fclose, not of fdopen, unless the stream is written at exit. */
static uintptr_t stdio_called_at(const struct stream *s)
{
    void *frames[32];
    int n, i = 0;

    if (trace_stdio_caller)
        return trace_stdio_caller;
    n = backtrace(frames, 32);
    while (i < n && !trace_offset((uintptr_t)frames[i]))
        i++;                    /* AddressSanitizer's, of backtrace() */
    while (i < n && trace_offset((uintptr_t)frames[i]))
        i++;                    /* the tracer's own */
    while (i < n && !trace_offset((uintptr_t)frames[i]))
        i++;                    /* libc's */
    return i < n ? (uintptr_t)frames[i] - 1 : s->caller;
}

static ssize_t stream_read(void *cookie, char *data, size_t length)
{
    struct stream *s = cookie;

    return trace_read(stdio_called_at(s), s->fd, data, length);
}

static ssize_t stream_write(void *cookie, const char *data, size_t length)
{
    struct stream *s = cookie;
    uintptr_t caller = stdio_called_at(s);
    size_t written = 0;

    while (written < length) {  /* stdio goes on after a short count */
        ssize_t n = trace_write(caller, s->fd, data + written,
                                length - written);

        if (n == -1)
            break;
        written += (size_t)n;
    }
    return (ssize_t)written;    /* fopencookie(3): less tells of an error */
}

static int stream_close(void *cookie)
{
    struct stream *s = cookie;
    struct call call = trace_enter(OP_CLOSE, stdio_called_at(s), s->fd,
                                   0, 0, 0, 0);
    int result = (int)trace_leave(&call, __real_close(s->fd));

    free(s);
    return result;
}

/* The streams made here, for fileno(): a cookie stream has no descriptor. */
static struct {
    FILE *file;
    int fd;
} streams[64];
static unsigned int stream_count;

int __wrap_fileno(FILE *file)
{
    for (unsigned int i = stream_count; i > 0; i--)
        if (streams[(i - 1) % 64].file == file)
            return streams[(i - 1) % 64].fd;
    return __real_fileno(file);
}

FILE *__wrap_fdopen(int fd, const char *mode)
{
    struct call call;
    struct stream *s;
    FILE *file;

    if (!trace_is_socket(fd))
        return __real_fdopen(fd, mode);
    call = trace_enter(OP_FDOPEN, CALLER, fd, 0, 0, 0, 0);
    s = malloc(sizeof *s);
    if (!s)
        return NULL;
    *s = (struct stream){ fd, CALLER };
    file = fopencookie(s, mode, (cookie_io_functions_t){
        .read = stream_read, .write = stream_write, .close = stream_close });
    if (file) {
        streams[stream_count % 64].file = file;
        streams[stream_count++ % 64].fd = fd;
    }
    trace_leave(&call, file ? 0 : -1);
    return file;
}

int __wrap_dprintf(int fd, const char *format, ...)
{
    uintptr_t caller = CALLER;
    char *text = NULL;
    size_t sent = 0;
    va_list ap;
    int length;

    va_start(ap, format);
    length = vasprintf(&text, format, ap);
    va_end(ap);
    while (length > 0 && sent < (size_t)length) {
        ssize_t n = trace_write(caller, fd, text + sent, (size_t)length - sent);

        if (n == -1) {
            int error = errno;

            free(text);
            errno = error;
            return -1;
        }
        sent += (size_t)n;
    }
    free(text);
    return length;
}
