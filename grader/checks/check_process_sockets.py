"""29 process_sockets: what a process is talking to, found in /proc."""

from grader.learner.program import Null
from grader.verbs.script import only, reveals, torture

#: The id of no process: the kernel gives out none that large.
NOBODY = 2**31 - 1
#: Of 107 bytes, as many as the address of a Unix socket has room for.
LONGEST = "\0" + "longest" * 15 + "!"
#: Names with bytes that are no text: as text they are sorted in another order.
RAW, LIGATURE = "\0\udcff", "\0\ufb01"
#: What is said of three pairs.
PAIRS = b"unix CONNECTED -\n" * 6
IPV4, OTHER_IPV4, IPV6 = "127.0.0.1", "127.0.0.2", "::1"


@reveals("hex-byte-order", "every-process")
def check_lists_tcp_sockets(learner, process, caller):
    """lists the TCP sockets of a process, with their states, and of no other one"""
    caller.has_settings_of_its_own()
    process.listens(OTHER_IPV4, IPV4)
    process.connects(IPV4, "127.1.2.3")
    process.accepts(OTHER_IPV4)

    learner.runs("sockets_of", process.id)
    learner.lists(process)


@reveals("hex-byte-order", "every-process")
def check_lists_udp_sockets(learner, process):
    """lists its UDP sockets, connected or not"""
    process.has_datagram_sockets(IPV4, "0.0.0.0", "127.9.8.7")
    process.asks(OTHER_IPV4, IPV4)

    learner.runs("sockets_of", process.id)
    learner.lists(process)


@reveals("no-ipv6", "hex-byte-order")
def check_lists_ipv6_sockets(learner, process):
    """lists its sockets of IPv6, one that has an IPv4 client too"""
    process.listens(IPV6, IPV4, "::")
    process.connects(IPV6)
    process.accepts(IPV6)
    process.accepts_ipv4()
    process.has_datagram_sockets(IPV6, "::", IPV4)
    process.asks(IPV6)

    learner.runs("sockets_of", process.id)
    learner.lists(process)


@reveals("per-descriptor")
def check_lists_a_socket_once(learner, process):
    """lists a socket once, however many descriptors of it there are, and equal lines as often as there are sockets"""
    process.listens(IPV4)
    process.connects(IPV4)
    process.has_datagram_sockets(OTHER_IPV4)
    process.has_pairs("stream")
    process.has_duplicates()

    learner.runs("sockets_of", process.id)
    learner.lists(process)


@reveals("cut-name", "every-process")
def check_lists_unix_sockets(learner, process, folder):
    """lists its sockets of the Unix domain, whatever their names are"""
    process.listens(folder.path("echo.sock"), "\0water", folder.path("two  words "))
    process.accepts("\0pump")
    process.connects(folder.path("mast"), "\0night shift")
    process.asks("\0clock")
    process.has_pairs("stream", "datagram", "seqpacket")
    process.has_sockets_without_a_name()
    process.has_name("stream", "\0bound only")
    process.has_name("datagram", folder.path("caf\udce9"))
    process.has_name("seqpacket", LONGEST)
    process.has_name("datagram", RAW)
    process.has_name("datagram", LIGATURE)

    learner.runs("sockets_of", process.id)
    learner.lists(process)


@reveals("every-process")
def check_tells_every_state(learner, process):
    """tells the states of connections that begin or end"""
    process.is_connecting(IPV4)
    process.half_closes(IPV4)
    process.is_half_closed(OTHER_IPV4)
    process.half_closes(IPV6)
    process.is_half_closed(IPV6)

    learner.runs("sockets_of", process.id)
    learner.lists(process)


@reveals("every-process")
def check_leaves_out_what_is_in_no_table(learner, process):
    """leaves out what is in no table, and what is no socket of TCP, UDP or the Unix domain"""
    process.has_what_is_in_no_table()
    process.has_neighbours(IPV4)
    process.listens(IPV4)

    learner.runs("sockets_of", process.id)
    learner.lists(process)


@reveals("every-process")
def check_lists_nothing_of_a_process_without_sockets(learner, process):
    """lists nothing of a process that has no sockets"""
    process.has_a_pipe()
    process.has_neighbours(IPV4, "\0water")

    learner.runs("sockets_of", process.id)
    learner.lists(process)


@reveals("every-process")
def check_lists_a_crowd(learner, process):
    """lists as many sockets as there are"""
    process.has_neighbours(IPV4)
    process.has_a_crowd(150)

    learner.runs("sockets_of", process.id)
    learner.lists(process)


@reveals("own-namespace")
def check_looks_into_the_network_of_the_process(learner, process):
    """looks into the tables of the network that the process is in"""
    process.is_elsewhere()
    process.listens(IPV4)
    process.connects(OTHER_IPV4)
    process.has_datagram_sockets(IPV4)
    process.listens("\0water")

    learner.runs("sockets_of", process.id)
    learner.lists(process, instead="own-namespace")


@reveals("vanished-descriptor")
def check_survives_a_descriptor_that_is_closed(learner, process):
    """goes on when a descriptor is closed while it looks at them"""
    process.listens(IPV4)
    process.has_a_pipe()
    process.has_datagram_sockets(OTHER_IPV4)
    process.is_watched()

    learner.runs("sockets_of", process.id)
    process.lets_go_meanwhile()
    learner.lists(process, instead="vanished-descriptor")


@reveals("vanished-process")
def check_tells_that_there_is_no_process(learner, process):
    """fails with ProcessLookupError, in C ESRCH, where there is no such process"""
    process.listens(IPV4)
    process.is_gone()
    learner.runs("sockets_of", process.id)
    learner.raises("ESRCH", instead="vanished-process", mistakes={"FileNotFoundError": "vanished-process"})

    learner.runs("sockets_of", NOBODY)
    learner.raises("ESRCH", instead="vanished-process", mistakes={"FileNotFoundError": "vanished-process"})


@reveals("vanished-descriptor")
def check_survives_a_process_that_ends(learner, process):
    """lists nothing, or tells that there is no process, when it ends while it is looked at"""
    process.listens(IPV4)
    process.has_datagram_sockets(OTHER_IPV4)
    process.is_watched()

    learner.runs("sockets_of", process.id)
    process.ends_meanwhile()
    learner.finds_nothing(instead="vanished-process", at_a_descriptor="vanished-descriptor")


@reveals("zombie-is-error")
def check_lists_nothing_of_a_zombie(learner, process):
    """fails with PermissionError, in C EACCES, where a process is another user's, until it is a zombie"""
    process.listens(IPV4)
    process.is_another_users()
    learner.runs("sockets_of", process.id)
    learner.raises("EACCES")

    process.ends()
    learner.runs("sockets_of", process.id)
    learner.lists_nothing(instead="zombie-is-error")


@only("c", because="Python's lists grow")
@reveals("small-buffer")
def check_reports_lines_that_do_not_fit(learner, process):
    """fills the buffer to its last byte, and reports a text that is larger, or a null pointer"""
    process.has_pairs("stream", "datagram", "stream")

    learner.runs("sockets_of", process.id, room=len(PAIRS) + 1)
    learner.lists(process)

    learner.runs("sockets_of", process.id, room=len(PAIRS))
    learner.raises("EMSGSIZE", instead="small-buffer")
    learner.fails_with("EMSGSIZE", "sockets_of", process.id, room=len(PAIRS) // 6)
    learner.fails_with("EMSGSIZE", "sockets_of", process.id, room=1)
    learner.fails_with("EMSGSIZE", "sockets_of", process.id, room=0)
    learner.fails_with("EMSGSIZE", "sockets_of", process.id, room=Null(0))
    learner.fails_with("EINVAL", "sockets_of", process.id, room=Null(1024))


@torture
def check_survives_every_failing_call(learner, process):
    """reports or survives every call that fails"""
    process.listens(IPV4, IPV6)
    process.has_pairs("stream")

    learner.runs("sockets_of", process.id)
    learner.lists(process)
