# expect: fail
# gap: other
# cause: asyncio.open_connection() joins the errors of several addresses into a plain OSError("Multiple exceptions"): the last one's own class, ConnectionRefusedError say, is lost.
# shows: A host with two addresses, both of which refuse.
# says: the error of the last address
import asyncio
import socket


async def talk(host, port):
    reader, writer = await asyncio.open_connection(host, port)
    try:
        return await reader.read()
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            pass


def fetch(host: str, port: str) -> bytes:
    try:
        return asyncio.run(talk(host, port))
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
