"""02 resolve: all endpoints of a name, none twice; and why there are none."""

import socket

from grader.learner.program import Null
from grader.verbs.script import only, reveals, torture

HOST = "greeter.test"
# More than any table that a program might think large enough.
MANY = [f"10.0.0.{number}" for number in range(60, 0, -1)]
MANY_ENDPOINTS = [f"{address}:3490" for address in MANY]
# Equal ones stand side by side and apart; others are alike at one end.
REPEATED = (
    *("110.0.0.7", "10.0.0.7", "110.0.0.7", "10.0.0.70", "10.0.0.7"),
    *("2001:db8::1", "2001:db8::1", "2001:db8::", "2001:db8::2", "::2", "2001:db8::1"),
)
TWICE = tuple(f"[{address}]:3490" if ":" in address else f"{address}:3490" for address in REPEATED)
ONCE = [
    *("110.0.0.7:3490", "10.0.0.7:3490", "10.0.0.70:3490"),
    *("[2001:db8::1]:3490", "[2001:db8::]:3490", "[2001:db8::2]:3490", "[::2]:3490"),
]


@reveals("dirty-hints", "first-only", "addrinfo-leak")
def check_lists_every_address(learner, resolves):
    """lists every address, in the order of getaddrinfo()"""
    resolves(HOST, "198.51.100.13", "192.0.2.1", "203.0.113.4", service=("greeting", "3490"))

    learner.runs("resolve", HOST, "greeting")
    learner.returns(
        ["198.51.100.13:3490", "192.0.2.1:3490", "203.0.113.4:3490"],
        mistakes={("198.51.100.13:3490",): "first-only"},
    )

    learner.runs("resolve", "192.0.2.13", "80")
    learner.returns(["192.0.2.13:80"])


@reveals("first-only")
def check_lists_many_addresses(learner, resolves, caller):
    """lists every address of a name that has many, and connects to none of them"""
    caller.has_settings_of_its_own()
    resolves(HOST, *MANY)

    learner.runs("resolve", HOST, "3490")
    learner.returns(MANY_ENDPOINTS, mistakes={("10.0.0.60:3490",): "first-only"})
    learner.has_not_called("connect")


@reveals("bare-ipv6")
def check_writes_ipv6_in_brackets(learner, resolves):
    """lists addresses of both families, those of IPv6 in brackets, whatever the machine has itself"""
    resolves(HOST, "2001:db8::1", "192.0.2.1", "::ffff:192.0.2.2", lacks="IPv6")

    learner.runs("resolve", HOST, "3490")
    learner.returns(
        ["[2001:db8::1]:3490", "192.0.2.1:3490", "[::ffff:192.0.2.2]:3490"],
        mistakes={("2001:db8::1:3490", "192.0.2.1:3490", "::ffff:192.0.2.2:3490"): "bare-ipv6"},
    )

    learner.runs("resolve", "::1", "65535")
    learner.returns(["[::1]:65535"], mistakes={("::1:65535",): "bare-ipv6"})

    learner.runs("resolve", "fd12:3456:789a:bcde:f012:3456:789a:bcde", "65535")
    learner.returns(["[fd12:3456:789a:bcde:f012:3456:789a:bcde]:65535"])


@reveals("listed-twice")
def check_lists_none_twice(learner, resolves, caller):
    """lists an address once that getaddrinfo() has twice"""
    caller.has_settings_of_its_own()
    resolves(HOST, *REPEATED)

    learner.runs("resolve", HOST, "3490")
    learner.returns(ONCE, mistakes={TWICE: "listed-twice"})

    learner.runs("resolve", HOST, "3490", room=112)
    learner.returns(ONCE)


@reveals("not-passive")
def check_lists_addresses_to_listen_on(learner, resolves):
    """lists the addresses to listen on where there is no host"""
    resolves(None, "::", "0.0.0.0")

    learner.runs("resolve", None, "3490")
    learner.returns(["[::]:3490", "0.0.0.0:3490"])


@reveals("lost-eai-code")
def check_reports_an_unknown_name(learner, fault):
    """reports a name that nobody knows"""
    fault("getaddrinfo", retval=socket.EAI_NONAME)

    learner.runs("resolve", HOST, "3490")
    learner.raises("EAI_NONAME")


@reveals("lost-eai-code")
def check_reports_a_name_server_that_is_silent(learner, fault):
    """reports a name that cannot be looked up for the time being"""
    fault("getaddrinfo", retval=socket.EAI_AGAIN)

    learner.runs("resolve", HOST, "3490")
    learner.raises("EAI_AGAIN")


@reveals("lost-eai-code")
def check_hands_a_system_error_on(learner, fault):
    """reports an error of the system, with its errno"""
    fault("getaddrinfo", error="EMFILE")

    learner.runs("resolve", HOST, "3490")
    learner.raises("EMFILE")


@reveals("any-socktype", "lost-eai-code")
def check_refuses_a_service_of_datagrams(learner, resolves):
    """refuses a service that exists for datagrams alone"""
    resolves(HOST, "192.0.2.1", service=("tftp", "69/udp"))

    learner.runs("resolve", HOST, "tftp")
    learner.raises("EAI_SERVICE")


@only("c", because="Python's lists grow")
@reveals("small-buffer", "unchecked-argument")
def check_reports_what_does_not_fit(learner, resolves):
    """fills the buffer to its last byte, and reports a list that is larger"""
    resolves(HOST, "2001:db8::1", "192.0.2.1")

    learner.runs("resolve", HOST, "3490", room=35)
    learner.returns(["[2001:db8::1]:3490", "192.0.2.1:3490"])

    learner.runs("resolve", HOST, "3490", room=34)
    learner.raises("EMSGSIZE", instead="small-buffer")

    learner.runs("resolve", HOST, "3490", room=19)
    learner.raises("EMSGSIZE", instead="small-buffer")

    learner.runs("resolve", HOST, "3490", room=10)
    learner.raises("EMSGSIZE", instead="small-buffer")

    learner.runs("resolve", HOST, "3490", room=0)
    learner.raises("EMSGSIZE", instead="small-buffer")

    learner.runs("resolve", HOST, "3490", room=Null(0))
    learner.raises("EMSGSIZE", "EINVAL")

    learner.runs("resolve", HOST, "3490", room=Null(64))
    learner.raises("EINVAL")


@torture
def check_survives_every_failing_call(learner, resolves):
    """reports or survives every call that fails"""
    resolves(HOST, "192.0.2.1", "2001:db8::1")

    learner.runs("resolve", HOST, "3490")

    learner.returns(["192.0.2.1:3490", "[2001:db8::1]:3490"])
