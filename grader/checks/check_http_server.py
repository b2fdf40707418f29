"""32 http_server: everything together: HTTP/1.1 for the files of a folder."""

from grader.verbs.http import HOST, ask
from grader.verbs.script import ACCEPT_AGAIN, only, reveals, torture

PAGE = b"<p>the quick brown fox</p>\n"
NOTES = b"\r\n\r\nGET /page.html HTTP/1.1\r\n\r\n\0\xff" * 3
SECRET = b"the combination is 13-13-13\n"
LONG = bytes(range(256)) * 1600
SITE = {
    "site/page.html": PAGE, "site/empty": b"", "site/long": LONG, "site/notes/a b+c%20?.txt": NOTES,
    "site/caf\u00e9": NOTES, "secret": SECRET, "site-old/secret": SECRET,
}  # fmt: skip
#: The longest header, a time limit, and one that no check lives to see (seconds).
MOST, LIMIT, AGES = 8192, 10.0, 3600.0
NEARLY = 9.8


def sized(size: int, end: bytes = b"\r\n\r\n") -> bytes:
    """A request with a header of so many bytes, or with the beginning of one that is longer."""
    start = b"GET /page.html HTTP/1.1\r\n%sX-Filler: " % HOST
    return start + b"x" * (size - len(start) - len(end)) + end


def have_site(folder) -> str:
    """A folder of files, with others beside it; returns its path."""
    folder.has_files(SITE)
    return folder.path("site")


def drip(client, clock) -> None:
    """All of a request but its last byte, in the course of nearly the time limit."""
    for piece in (GET[:1], GET[1:9], GET[9:-1]):
        client.sends(piece)
        clock.passes(NEARLY / 3)


GET = ask(b"/page.html")
HEAD = ask(b"/page.html", method=b"HEAD")
#: A body that would be an answer, were it taken for a request.
SMUGGLED = ask(b"/notes/a%20b+c%2520%3f.txt")
BODY = b"Content-Length: %d\r\n" % len(SMUGGLED)
#: What gives a gap away.
NO_BODY = {"body": "missed-length", "length": "missed-length"}
PIPELINED, STANDS, KEPT, DRIPS = (
    {"silence": slug} for slug in ("lost-pipeline", "slow-client-blocks", "idle-for-ever", "renewed-by-drip")
)
INSIDE, ARRIVES = {200: "path-traversal"}, {"reset": "lost-answer"}
TAKEN = {200: "unread-body", NOTES: "unread-body", 400: "unread-body"}
FIFO, LONGER = ({"silence": slug, 200: slug} for slug in ("special-file", "unbounded-header"))
WHOLE = {"silence": "short-send", "body": "short-send"}
MALFORMED = (
    b"GET\r\n" + HOST + b"\r\n", b"GET /page.html\r\n" + HOST + b"\r\n", ask(b"/page.html now"),
    ask(b"/page.html", version=b"HTTP/one"), ask(b"/page.html", version=b"FTP/1.1"), b"nonsense\r\n\r\n",
    ask(b"/page.html", b"a field without a colon\r\n"),
)  # fmt: skip
BAD_FIELDS = (
    b"GET /page.html HTTP/1.1\r\n\r\n", b"GET /absent HTTP/1.1\r\nX-Host: files.test\r\n\r\n",
    ask(b"/page.html", b"hOST: other.test\r\n"),
    *(ask(b"/page.html", b"Content-Length: %s\r\n" % text) for text in (
        b"", b"-1", b"+3", b"3x", b"0x3", b"1_0", b"1 0", b"1.0", b"\xb2", b"3\r\nContent-Length: 4",
    )),
    ask(b"/absent", b"content-LENGTH: many\r\nTransfer-Encoding: chunked\r\n", method=b"BREW"),
)  # fmt: skip
CODED = (
    ask(b"/page.html", b"Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
    ask(b"/absent", b"tRANSFER-eNCODING: gzip, chunked\r\n", method=b"BREW") + b"5\r\nearly\r\n",
)
OTHER_VERSIONS = (
    ask(b"/page.html", version=b"HTTP/2.0"), ask(b"/page.html", version=b"HTTP/0.9"),
    ask(b"/absent", b"Host: two\r\nContent-Length: x\r\nTransfer-Encoding: x\r\n", version=b"HTTP/3.0", method=b"PUT"),
)  # fmt: skip
OUTSIDE = (
    b"/../secret", b"/%2e%2e/secret", b"/notes/../../secret", b"/notes/%2E%2e/..%2fsecret", b"/out", b"/up/secret",
    b"/../site-old/secret", b"/old/secret",
)  # fmt: skip
LINKS = {
    "site/out": "../secret", "site/up": "..", "site/old": "../site-old", "site/in": "notes/../page.html",
    "site/round": "round", "site/dangling": "nothing", "www": "site",
}  # fmt: skip
ABSENT = (
    b"/absent", b"/absent/page.html", b"/page.htm", b"/%252e%252e/secret", b"/" + b"x" * 300, b"/page.html%3fx",
    b"/page.html/x", b"/round", b"/dangling",
)  # fmt: skip


@reveals("missed-length")
def check_serves_files(learner, peer, port, folder):
    """serves each file whole, and for HEAD all but its bytes, one request after the other on a connection"""
    learner.serves("serve", port, have_site(folder), AGES)
    peer.connects(port)
    peer.is_served(GET, PAGE, mistakes=NO_BODY)
    peer.is_served(HEAD, PAGE, head=True, mistakes=NO_BODY)
    peer.is_served(ask(b"/empty"), b"")
    peer.is_served(ask(b"/empty", method=b"HEAD"), b"", head=True)
    peer.is_served(ask(b"/long", method=b"HEAD"), LONG, head=True, mistakes=NO_BODY)
    peer.is_served(ask(b"/notes/a%20b+c%2520%3F.txt"), NOTES)
    peer.is_served(ask(b"/%63af%C3%a9?a=/../x&b=%zz"), NOTES)
    peer.is_served(b"GET /page.html?x?y HTTP/1.1\r\nhOsT:files.test  \r\nX:\r\n\r\n", PAGE)
    peer.is_served(ask(b"/long"), LONG)
    peer.is_told(ask(b"/absent", method=b"HEAD"), 404, head=True)
    peer.is_served(ask(b"/page.html", b"cOnNeCtIoN: close\r\n"), PAGE)
    peer.sees_the_end()
    learner.has_not_called("fork")


@reveals("slow-client-blocks")
def check_waits_for_nobody(learner, clients, port, folder, fault):
    """serves others while one client says nothing, one is in the middle of a request and one does not read"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")
    fault("listen", limit=4096)

    learner.serves("serve", port, have_site(folder), AGES, bulk=True)
    ann.connects(port)
    learner.rests()
    dave.connects(port)
    dave.is_served(GET, PAGE, mistakes=STANDS)
    bob.connects(port)
    bob.sends(GET[:-2])
    learner.rests()
    carol.connects(port, room=4096)
    carol.sends(ask(b"/long"))
    carol.waits_until_the_program_is_blocked()
    dave.is_served(GET, PAGE, mistakes=STANDS)
    bob.is_served(GET[-2:], PAGE, mistakes=STANDS)
    carol.is_answered(200, body=LONG)


@reveals("lost-pipeline")
def check_answers_each_request(learner, clients, port, folder):
    """answers every request, however many come in one piece, or however many pieces one comes in"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")

    learner.serves("serve", port, have_site(folder), AGES)
    ann.connects(port)
    ann.is_served(GET + SMUGGLED + ask(b"/empty"), PAGE)
    ann.is_answered(200, body=NOTES, mistakes=PIPELINED)
    ann.is_answered(200, body=b"", mistakes=PIPELINED)
    ann.is_served(GET + SMUGGLED[:20], PAGE)
    learner.rests()
    ann.is_served(SMUGGLED[20:], NOTES, mistakes=PIPELINED)
    ann.sends_in_pieces([GET[n : n + 1] for n in range(len(GET))])
    ann.is_answered(200, body=PAGE)
    ann.leaves()
    bob.connects(port)
    learner.is_stopped()
    bob.sends(GET + SMUGGLED + GET)
    bob.half_closes()
    learner.goes_on()
    bob.is_answered(200, body=PAGE)
    bob.is_answered(200, body=NOTES, mistakes=PIPELINED)
    bob.is_answered(200, body=PAGE, mistakes=PIPELINED)
    bob.sees_the_end()
    carol.connects(port)
    carol.sends(GET[:-3])
    carol.leaves()
    dave.connects(port)
    dave.leaves()


@reveals("unread-body")
def check_passes_over_a_body(learner, clients, port, folder):
    """takes no body for a request, however it comes, and answers what it does not do"""
    (ann,) = clients("ann")

    learner.serves("serve", port, have_site(folder), AGES)
    ann.connects(port)
    ann.is_told(ask(b"/page.html", BODY, method=b"POST") + SMUGGLED + GET, 405)
    ann.is_answered(200, body=PAGE, mistakes=TAKEN)
    ann.is_served(ask(b"/empty", b"cONTENT-lENGTH:  %d \r\n" % len(SMUGGLED)) + SMUGGLED, b"")
    ann.is_served(GET, PAGE, mistakes=TAKEN)
    ann.sends(ask(b"/absent", b"Content-Length: %d\r\n" % (len(SMUGGLED) * 2000)))
    learner.rests()
    ann.sends(SMUGGLED * 9 + b"GET")
    learner.rests()
    ann.is_told((SMUGGLED * 1991)[3:] + GET, 404)
    ann.is_answered(200, body=PAGE, mistakes=TAKEN)
    ann.is_told(ask(b"/absent", b"Content-Length: 0\r\n", method=b"DELETE"), 405)
    ann.is_told(ask(b"/secret", method=b"GETS") + GET, 405)
    ann.is_answered(200, body=PAGE)
    ann.is_told(ask(b"/page.html", b"Connection: close\r\n", method=b"PUT"), 405)
    ann.sees_the_end()


@reveals("path-traversal")
def check_stays_inside_the_root(learner, peer, port, folder):
    """serves what is under the root, also by a link, and nothing that is outside, whatever it is called"""
    have_site(folder)
    folder.has_links(LINKS | {"site/here": folder.path("site/notes")})
    outside = [*OUTSIDE, b"/" + folder.path("secret").encode(), b"/%2f" + folder.path("secret").encode()]

    learner.serves("serve", port, folder.path("www"), AGES)
    peer.connects(port)
    peer.is_served(ask(b"/in"), PAGE)
    peer.is_served(ask(b"/here/a%20b+c%2520%3f.txt"), NOTES)
    for target in outside:
        peer.is_told(ask(target), 404, mistakes=INSIDE)
    for target in ABSENT:
        peer.is_told(ask(target), 404)
    for target in (b"/page%zz.html", b"/page.html%", b"/page.html%0", b"/page.html%00", b"/%00"):
        peer.is_told(ask(target, b"Connection: close\r\n"), 400, 404)
        peer.sees_the_end()
        peer.closes()
        peer.connects(port)


@reveals("special-file")
def check_serves_regular_files_only(learner, clients, port, folder):
    """answers 404 at once for what is no regular file"""
    ann, bob = clients("ann", "bob")
    root = have_site(folder)
    folder.has_pipe("site/pipe")
    folder.has_link("site/notes/pipe", "../pipe")

    learner.serves("serve", port, root, AGES)
    ann.connects(port)
    ann.is_told(ask(b"/"), 404)
    ann.is_told(ask(b"/notes"), 404)
    ann.is_told(ask(b"/notes/"), 404)
    ann.is_told(ask(b"/pipe"), 404, mistakes=FIFO)
    ann.is_told(ask(b"/notes/pipe", method=b"HEAD"), 404, head=True, mistakes=FIFO)
    ann.leaves()
    bob.connects(port)
    bob.is_served(GET, PAGE)


@reveals("unbounded-header")
def check_bounds_a_header(learner, clients, port, folder):
    """serves a header of 8,192 bytes, and answers 431 to a longer one, whether it ends or not"""
    ann, bob, carol = clients("ann", "bob", "carol")

    learner.serves("serve", port, have_site(folder), AGES)
    ann.connects(port)
    ann.is_served(sized(MOST), PAGE)
    ann.is_served(sized(MOST) + sized(MOST), PAGE)
    ann.is_answered(200, body=PAGE)
    ann.sends_in_pieces([sized(MOST)[:-1], b"\n"])
    ann.is_answered(200, body=PAGE)
    ann.is_served(ask(b"/empty", b"Content-Length: %d\r\n" % MOST) + b"x" * MOST, b"")
    ann.is_told(sized(MOST + 1), 431, mistakes=LONGER)
    ann.sees_the_end()
    bob.connects(port)
    bob.is_told(sized(MOST + 1, b""), 431, mistakes=LONGER)
    bob.sees_the_end()
    carol.connects(port)
    carol.sends_in_pieces([sized(MOST - 1, b""), b"xx"])
    carol.is_answered(431, mistakes=LONGER)


@reveals("lost-answer")
def check_lets_the_refusal_arrive(learner, clients, port, folder):
    """refuses with 400, 505, 400 or 501 what it cannot read, and closes after the answer, which arrives"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")

    learner.serves("serve", port, have_site(folder), AGES)
    for client, request, status in (
        (ann, sized(MOST + 65536), 431),
        (bob, CODED[0] + GET * 2000, 501),
        (carol, ask(b"/page.html", version=b"HTTP/1.0") + GET * 2000, 200),
    ):
        client.connects(port)
        learner.is_stopped()
        client.sends(request)
        learner.goes_on()
        client.is_answered(status, mistakes=ARRIVES)
        client.sees_the_end(mistakes=ARRIVES)
    clients.are_refused(port, 505, *OTHER_VERSIONS)
    clients.are_refused(port, 400, *MALFORMED, *BAD_FIELDS)
    clients.are_refused(port, 501, *CODED)
    dave.connects(port)
    dave.is_served(b"GET /page.html HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", PAGE)
    dave.sees_the_end()


@reveals("idle-for-ever")
def check_lets_go_of_idle_clients(learner, clients, port, folder, clock, fault):
    """closes a connection that is idle for the time given, not earlier; one whose client does not read is not"""
    ann, bob, carol, dave, erin, frank = clients("ann", "bob", "carol", "dave", "erin", "frank")
    fault("listen", limit=4096)

    learner.serves("serve", port, have_site(folder), clock.limit(LIMIT), bulk=True)
    ann.connects(port)
    ann.is_served(GET, PAGE)
    clock.passes(NEARLY)
    ann.is_served(GET, PAGE)
    clock.passes(NEARLY)
    ann.is_timed_out(mistakes=KEPT)
    bob.connects(port)
    clock.passes(NEARLY)
    bob.is_timed_out(mistakes=KEPT)
    for client, request in ((carol, GET[:-3]), (dave, ask(b"/page.html", BODY, method=b"POST") + SMUGGLED[:20])):
        client.connects(port)
        client.sends(request)
        clock.passes(NEARLY)
        client.is_timed_out(405, mistakes=KEPT)
    erin.connects(port)
    erin.is_told(MALFORMED[0], 400)
    for _ in range(3):
        erin.sends(GET)
        clock.goes_on(NEARLY / 3)
    erin.is_let_go()
    frank.connects(port, room=4096)
    frank.sends(ask(b"/long"))
    frank.waits_until_the_program_is_blocked()
    clock.goes_on(3 * LIMIT)
    frank.is_answered(200, body=LONG)


@reveals("renewed-by-drip")
def check_counts_from_the_first_byte(learner, clients, port, folder, clock):
    """gives a header the whole time from its first byte, and no more for any byte that follows"""
    ann, bob = clients("ann", "bob")

    learner.serves("serve", port, have_site(folder), clock.limit(LIMIT))
    ann.connects(port)
    clock.passes(NEARLY)
    drip(ann, clock)
    ann.is_served(GET[-1:], PAGE)
    clock.passes(NEARLY)
    drip(ann, clock)
    ann.is_timed_out(mistakes=DRIPS)
    bob.connects(port)
    bob.is_served(GET + GET[:1], PAGE)
    clock.passes(0.5 * LIMIT)
    bob.sends(GET[1:2])
    clock.passes(NEARLY - 0.5 * LIMIT)
    bob.is_timed_out(mistakes=DRIPS)


@reveals("short-send")
def check_sends_every_byte_when_send_is_short(learner, peer, port, folder, fault):
    """sends every byte of an answer when the kernel accepts only a few at a time"""
    fault("send", limit=7)

    learner.serves("serve", port, have_site(folder), AGES)
    peer.connects(port)
    peer.is_served(GET, PAGE, mistakes=WHOLE)
    peer.is_served(HEAD, PAGE, head=True, mistakes=WHOLE)
    peer.is_served(SMUGGLED, NOTES, mistakes=WHOLE)
    peer.is_told(ask(b"/absent"), 404, mistakes=WHOLE)


@reveals("dies-of-client")
def check_outlives_clients_that_vanish(learner, clients, port, folder, fault):
    """serves the next client when one is gone before its answer, or in the middle of it"""
    ann, bob, carol = clients("ann", "bob", "carol")
    fault("recv", hold=True, when="ready 1")
    fault("listen", limit=4096)

    learner.serves("serve", port, have_site(folder), AGES, bulk=True)
    ann.connects(port)
    learner.rests()
    learner.is_left_by(ann, ask(b"/long"))
    learner.rests()
    bob.connects(port, room=4096)
    bob.sends(ask(b"/long"))
    bob.waits_until_the_program_is_blocked()
    bob.half_closes()
    bob.resets()
    learner.rests()
    carol.connects(port)
    carol.is_served(GET, PAGE)


@reveals("slow-client-blocks")
def check_serves_many_clients(learner, clients, other_peer, port, folder, caller):
    """takes a port over, and serves a hundred clients at once, at any address, as a caller's settings are"""
    caller.has_settings_of_its_own()
    first, last = clients("first", "last")
    crowd = clients.crowd(99)
    other_peer.leaves_time_wait(port)

    learner.serves("serve", port, have_site(folder), AGES)
    first.connects(port)
    learner.rests()
    last.connects(port, "127.0.0.2")
    last.is_served(GET, PAGE, mistakes=STANDS)
    crowd.connects(port)
    for _ in range(2):
        crowd.sends(GET)
        crowd.is_answered(200, PAGE)
    crowd.closes()
    last.is_served(GET, PAGE)


@reveals("dies-of-client")
def check_reports_a_failure(learner, peer, clients, port, folder, fault):
    """reports what is wrong at the start, and survives what passes"""
    ann, bob, carol = clients("ann", "bob", "carol")
    root = have_site(folder)
    fault("getaddrinfo", retval=-8, when="1")
    fault("getaddrinfo", error="EMFILE", when="2")
    fault("socket", error="ENFILE", when="1")
    fault("accept", errors=ACCEPT_AGAIN, when="ready")

    learner.runs("serve", port, root, -1.0)
    learner.refuses(gap="")
    for name in ("site/page.html", "absent"):
        learner.runs("serve", port, folder.path(name), AGES)
        learner.raises()
    learner.fails_with("gaierror", "serve", "no-such-service", root, AGES)
    learner.fails_with("EMFILE", "serve", port, root, AGES)
    learner.fails_with("ENFILE", "serve", port, root, AGES)
    learner.fails_with("EADDRINUSE", "serve", peer.listens("0.0.0.0"), root, AGES)

    learner.serves("serve", port, root, AGES)
    ann.connects(port)
    ann.is_served(GET, PAGE)
    learner.rests()
    learner.runs_out_of_descriptors()
    bob.connects(port)
    learner.paces_itself()
    learner.gets_descriptors_back()
    bob.is_served(GET, PAGE)
    fault("recv", hold=True, when="ready 1")
    carol.connects(port)
    learner.is_left_by(carol, GET)
    learner.rests()
    bob.is_served(GET, PAGE)


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("lost-pipeline")
def check_goes_on_after_an_interruption(learner, peer, port, folder, fault):
    """goes on after signals have interrupted its calls"""
    for call in ("accept", "wait", "recv", "send"):
        fault(call, error="EINTR", when="1..2")

    learner.serves("serve", port, have_site(folder), AGES)
    peer.connects(port)
    learner.rests()
    peer.is_served(GET + GET, PAGE)
    peer.is_answered(200, body=PAGE, mistakes=PIPELINED)


@torture
def check_survives_every_failing_call(learner, clients, port, folder):
    """reports or survives every call that fails"""
    learner.serves("serve", port, have_site(folder), AGES)
    clients.either_is_served(port, GET, PAGE)
