"""The other side of the webhook bench: takes POST requests, answers 204 and remembers their ids.

A process of its own, so that it does not take turns with what is measured. Prints its port; answers
``GET /`` with ``{"requests": …, "ids": …}`` (ids counted once each) and forgets them.
"""

import asyncio
import json
import sys

seen: list[str] = []


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            await reader.readexactly(int(headers.get("content-length", 0)))
            if head.startswith("GET"):
                body = json.dumps({"requests": len(seen), "ids": len(set(seen))})
                seen.clear()
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            else:
                seen.append(headers["webhook-id"])
                writer.write(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
