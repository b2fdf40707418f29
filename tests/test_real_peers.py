"""Solutions against programs that everybody has: nc, socat, and a crowd of clients."""

from __future__ import annotations

import os
import resource
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import by_slug

#: Calls a solution's function from the command line.
MAIN_C = {
    "tcp_client": """
        static char reply[1 << 20];
        ssize_t n = fetch(argv[1], argv[2], reply, sizeof reply);
        return n < 0 || fwrite(reply, 1, (size_t)n, stdout) != (size_t)n;
    """,
    "half_close": """
        static char reply[1 << 20];
        ssize_t n = ask(argv[1], argv[2], argv[3], strlen(argv[3]), reply, sizeof reply);
        return n < 0 || fwrite(reply, 1, (size_t)n, stdout) != (size_t)n;
    """,
    "echo_server": "return serve(argv[1]);",
    "event_loop": "return serve(argv[1]);",
    "dual_stack": "return serve(argv[1]);",
    "udp_echo": "return serve(argv[1]);",
    "http_server": "return serve(argv[1], argv[2], atoi(argv[3]));",
    "peer_credentials": """
        unsigned allowed = (unsigned)strtoul(argv[2], NULL, 10);
        return serve(argv[1], &allowed, 1);
    """,
    "multicast": """
        static char message[65507];
        ssize_t n;

        if (argc > 4)
            return announce(argv[1], argv[2], argv[3], argv[4], strlen(argv[4]));
        n = hear(argv[1], argv[2], argv[3], message, sizeof message);
        return n < 0 || fwrite(message, 1, (size_t)n, stdout) != (size_t)n;
    """,
    "traceroute": """
        static char text[8192];
        int n = traceroute(argv[1], atoi(argv[2]), atoi(argv[3]), text, sizeof text);
        return n < 0 || fputs(text, stdout) == EOF;
    """,
}
MAIN_PYTHON = {
    "tcp_client": "sys.stdout.buffer.write(fetch(*sys.argv[1:]))",
    "half_close": "sys.stdout.buffer.write(ask(sys.argv[1], sys.argv[2], sys.argv[3].encode()))",
    "echo_server": "serve(sys.argv[1])",
    "event_loop": "serve(sys.argv[1])",
    "dual_stack": "serve(sys.argv[1])",
    "udp_echo": "serve(sys.argv[1])",
    "http_server": "serve(sys.argv[1], sys.argv[2], int(sys.argv[3]) / 1000)",
    "peer_credentials": "serve(sys.argv[1], [int(sys.argv[2])])",
    "multicast": "print(end=hear(*sys.argv[1:]).decode()) if len(sys.argv) < 5 else "
    "announce(*sys.argv[1:4], sys.argv[4].encode())",
    "traceroute": "print(*traceroute(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) / 1000), sep='\\n')",
}
LANGUAGES = pytest.mark.parametrize("language", ["python", "c"])


@pytest.fixture
def command(tmp_path: Path) -> Callable[[str, str], list[str]]:
    """The command that runs the solution of an exercise as a program."""

    def make(slug: str, language: str) -> list[str]:
        exercise = by_slug(slug)
        folder = exercise.solution(language).parent
        if language == "python":
            code = f"import sys; sys.path.insert(0, {str(folder)!r}); from {slug} import *; {MAIN_PYTHON[slug]}"
            return [sys.executable, "-c", code]
        main, program = tmp_path / "main.c", tmp_path / slug
        main.write_text(
            f'#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include "{slug}.h"\n'
            f"int main(int argc, char *argv[])\n{{\n    (void)argc;\n{MAIN_C[slug]}}}\n"
        )
        subprocess.run(
            ["cc", "-o", program, main, exercise.solution("c"), f"-I{exercise.header.parent}", "-pthread"], check=True
        )
        return [str(program)]

    return make


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen]]:
    """Start a program that is ended with the test."""
    running: list[subprocess.Popen] = []

    def run(*arguments: object) -> subprocess.Popen:
        pipe = subprocess.PIPE
        running.append(subprocess.Popen([*map(str, arguments)], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL))
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.communicate()


def free_port(kind: int = socket.SOCK_STREAM) -> str:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def connected(port: str, server: subprocess.Popen) -> socket.socket:
    """A connection to a server that is about to listen."""
    while server.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", int(port)))
        except ConnectionRefusedError:
            select.select([], [], [], 0.01)
    raise AssertionError("the server has ended")


@LANGUAGES
@pytest.mark.tools("nc", "socat")
@pytest.mark.parametrize(
    "client",
    [["nc", "-N", "127.0.0.1"], ["socat", "-t", "30", "-"]],
    ids=["nc", "socat"],
)  # fmt: skip
def test_the_echo_server_serves_the_usual_clients(
    client: list[str], language: str, command: Callable, start: Callable
) -> None:
    port = free_port()
    connected(port, start(*command("echo_server", language), port)).close()
    address = [port] if client[0] == "nc" else [f"TCP:127.0.0.1:{port}"]

    for words in (b"one line\n", b"0123456789\n" * 20_000):
        done = subprocess.run([*client, *address], input=words, stdout=subprocess.PIPE, check=True, timeout=60)
        assert done.stdout == words


@LANGUAGES
@pytest.mark.tools("nc", "socat")
def test_the_chat_room_lets_nc_and_socat_talk(language: str, command: Callable, start: Callable) -> None:
    port = free_port()
    server = start(*command("event_loop", language), port)
    with connected(port, server) as witness:
        ann, bob = start("nc", "127.0.0.1", port), start("socat", "-", f"TCP:127.0.0.1:{port}")
        for client, words in ((ann, b"from nc\n"), (bob, b"from socat\n")):
            client.stdin.write(words)
            client.stdin.flush()
            assert witness.recv(100) == words
        witness.sendall(b"to both\n")

        for client in (ann, bob):  # what was said before one came, it does not hear
            assert b"to both\n" in iter(client.stdout.readline, b"")


@LANGUAGES
@pytest.mark.tools("curl")
def test_curl_gets_the_files_of_a_folder(language: str, command: Callable, start: Callable, tmp_path: Path) -> None:
    port, page, site = free_port(), b"a page of some length\n" * 10_000, tmp_path / "site"
    site.mkdir()
    (site / "page").write_bytes(page)
    (tmp_path / "secret").write_text("not to be told\n")
    connected(port, start(*command("http_server", language), port, site, 60_000)).close()

    def curl(*arguments: str) -> bytes:
        url = f"http://127.0.0.1:{port}"
        run = [
            "curl",
            "-s",
            "--path-as-is",
            "-w",
            " %{http_code} %{num_connects}",
            *(a.replace("@", url) for a in arguments),
        ]
        return subprocess.run(run, stdout=subprocess.PIPE, check=True, timeout=60).stdout

    assert curl("@/page", "@/%70age?x") == page + b" 200 1" + page + b" 200 0"  # on one connection
    assert curl("-0", "@/page") == page + b" 200 1"
    head = curl("-I", "@/page")
    assert b"Content-Length: %d\r\n" % len(page) in head
    assert head.endswith(b"\r\n\r\n 200 1")
    assert curl("@/../secret", "@/%2e%2e/secret").endswith(b" 404 0")
    assert curl("-d", "a=form", "@/page").endswith(b" 405 1")
    assert curl("-H", "X: " + "x" * 9000, "@/page").endswith(b" 431 1")
    assert curl("-H", "Transfer-Encoding: chunked", "-d", "a=form", "@/page").endswith(b" 501 1")


@LANGUAGES
@pytest.mark.tools("wrk")
def test_a_thousand_connections_stay(language: str, command: Callable, start: Callable, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "page").write_text("short\n")
    connected(port, start(*command("http_server", language), port, tmp_path, 60_000)).close()

    run = ["wrk", "-t", "1", "-c", "1000", "-d", "2s", "--timeout", "60s", f"http://127.0.0.1:{port}/page"]
    told = subprocess.run(run, stdout=subprocess.PIPE, check=True, timeout=300).stdout.decode()

    assert "requests in" in told
    assert "Socket errors" not in told
    assert "Non-2xx" not in told


@LANGUAGES
@pytest.mark.tools("nc")
def test_the_client_reads_what_nc_says(language: str, command: Callable, start: Callable) -> None:
    port, reply = free_port(), b"220 welcome\r\n" * 1000
    run = command("tcp_client", language)
    server = start("nc", "-l", "-N", "127.0.0.1", port)
    server.stdin.write(reply)
    server.stdin.close()

    done = subprocess.run([*run, "localhost", port], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    while done.returncode and server.poll() is None:  # nc does not listen yet
        done = subprocess.run([*run, "localhost", port], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    server.stdin = None

    assert done.stdout == reply


@LANGUAGES
@pytest.mark.tools("socat")
def test_a_half_close_ends_the_input_of_a_filter(language: str, command: Callable, start: Callable) -> None:
    port = free_port()
    server = start("socat", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork", "EXEC:wc -c")
    connected(port, server).close()

    done = subprocess.run(
        [*command("half_close", language), "127.0.0.1", port, "x" * 100_000], stdout=subprocess.PIPE, check=True
    )

    assert done.stdout.strip() == b"100000"


@LANGUAGES
@pytest.mark.tools("nc", "socat")
def test_the_udp_server_answers_nc_and_socat(language: str, command: Callable, start: Callable) -> None:
    port = free_port(socket.SOCK_DGRAM)
    server = start(*command("udp_echo", language), port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.05)
        _until(lambda: _answered(probe, port), server)

    for client in (["nc", "-u", "127.0.0.1", port], ["socat", "-", f"UDP4:127.0.0.1:{port}"]):
        asks = start(*client)
        asks.stdin.write(b"wind south-west, four to five\n")
        asks.stdin.flush()
        assert asks.stdout.readline() == b"WIND SOUTH-WEST, FOUR TO FIVE\n"


def _answered(probe: socket.socket, port: str) -> bool:
    probe.sendto(b"", ("127.0.0.1", int(port)))
    try:
        return probe.recv(1) == b""
    except TimeoutError:
        return False


def _until(has_come: Callable[[], bool], process: subprocess.Popen) -> None:
    """Try again and again, until it has come."""
    while not has_come():
        assert process.poll() is None, "the program has ended"


@LANGUAGES
@pytest.mark.tools("nc", "socat")
def test_nc_and_socat_are_told_their_addresses(language: str, command: Callable, start: Callable) -> None:
    port = free_port()
    connected(port, start(*command("dual_stack", language), port)).close()

    for client, address in (
        (["nc", "-d", "127.0.0.1", port], b"127.0.0.1"),
        (["socat", "-u", f"TCP6:[::1]:{port}", "-"], b"::1"),
        (["nc", "-d", "::1", port], b"::1"),
        (["socat", "-u", f"TCP4:127.0.0.1:{port}", "-"], b"127.0.0.1"),
    ):
        done = subprocess.run(client, stdout=subprocess.PIPE, check=True, timeout=60)
        assert done.stdout == address


@LANGUAGES
@pytest.mark.tools("nc", "socat")
def test_the_kernel_says_who_nc_and_socat_are(language: str, command: Callable, start: Callable) -> None:
    own, users = os.geteuid(), {os.geteuid(): b"welcome\n"} | ({40001: b"denied\n"} if os.geteuid() == 0 else {})
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = Path(folder, "dome")
        server = start(*command("peer_credentials", language), path, own)
        with socket.socket(socket.AF_UNIX) as probe:
            _until(lambda: probe.connect_ex(str(path)) == 0, server)

        for client in (["nc", "-N", "-U", str(path)], ["socat", "-u", f"UNIX-CONNECT:{path}", "-"]):
            for user, answer in users.items():
                done = subprocess.run(
                    client, user=user, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, timeout=60
                )
                assert done.stdout == answer


@LANGUAGES
@pytest.mark.tools("socat")
def test_socat_announces_and_hears(language: str, command: Callable, start: Callable) -> None:
    port, group = free_port(socket.SOCK_DGRAM), "239.67.1.2"
    run = command("multicast", language)
    listener = start(*run, group, port, "127.0.0.1")
    sends = ["socat", "-u", "-", f"UDP4-DATAGRAM:{group}:{port},ip-multicast-if=127.0.0.1"]
    while listener.poll() is None:  # until it listens
        subprocess.run(sends, input=b"lights 41\n", check=True)
    assert listener.stdout.read() == b"lights 41\n"

    observer = start("socat", "-u", f"UDP4-RECVFROM:{port},ip-add-membership={group}:127.0.0.1", "-")
    while observer.poll() is None:
        subprocess.run([*run, group, port, "127.0.0.1", "trapdoor"], check=True)
    assert observer.stdout.read() == b"trapdoor"


@LANGUAGES
def test_the_event_loop_holds_a_thousand_idle_and_a_hundred_busy_clients(
    language: str, command: Callable, start: Callable
) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))
    assert shutil.which("cc")
    port = free_port()
    server = start(*command("event_loop", language), port)
    everybody = [connected(port, server) for _ in range(1100)]
    busy = everybody[1000:]
    everybody.append(connected(port, server))
    everybody[-1].sendall(b"all are here\n")  # and this one was accepted last
    assert all(_lines(client, 1) == [b"all are here"] for client in everybody[:-1])

    for number, client in enumerate(busy):
        client.sendall(b"client %03d speaks\n" % number)
    heard = [sorted(_lines(client, 99)) for client in busy]
    idle = [len(_lines(client, 100)) for client in everybody[:1000:100]]

    everyone = [b"client %03d speaks" % number for number in range(100)]
    assert heard == [[words for words in everyone if words != everyone[number]] for number in range(100)]
    assert idle == [100] * 10
    for client in everybody:
        client.close()


def _lines(client: socket.socket, count: int) -> list[bytes]:
    """So many lines, as they come."""
    client.settimeout(60)
    text = b""
    while text.count(b"\n") < count:
        text += client.recv(65536)
    return text.splitlines()
