"""A small IMAP4rev1 server on a real socket, as far as reading a mailbox takes: LOGIN, SELECT, UID SEARCH, FETCH, STORE
and EXPUNGE. `breaks_after` ends the connection when a command begins so."""

from __future__ import annotations

import re
import socketserver
import threading


class ImapServer:
    def __init__(self, login: str = "reports", password: str = "geheim", uidplus: bool = True):
        self.mails: dict[int, tuple[set[str], bytes]] = {}
        self.login, self.password, self.uidplus = login, password, uidplus
        self.breaks_after: str | None = None
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._say("* OK ready")
                for raw in self.rfile:
                    line = raw.decode().strip()
                    tag, _, rest = line.partition(" ")
                    if outer.breaks_after and rest.startswith(outer.breaks_after):
                        return
                    if not self._answer(tag, rest):
                        return

            def _say(self, text: str) -> None:
                self.wfile.write(text.encode() + b"\r\n")

            def _answer(self, tag: str, rest: str) -> bool:
                command = " ".join(rest.upper().split(" ")[: 2 if rest.upper().startswith("UID") else 1])
                if command == "CAPABILITY":
                    self._say(f"* CAPABILITY IMAP4rev1{' UIDPLUS' if outer.uidplus else ''}")
                elif command == "LOGIN":
                    if rest.split(" ")[1:] != [outer.login, f'"{outer.password}"']:
                        self._say(f"{tag} NO wrong password {outer.password}")
                        return True
                elif command == "SELECT":
                    if rest != 'SELECT "In \\"box"':
                        self._say(f"{tag} NO no such mailbox")
                        return True
                    self._say(f"* {len(outer.mails)} EXISTS")
                elif command == "UID SEARCH":
                    found = [n for n, (flags, _) in outer.mails.items() if not flags & {"\\Seen", "\\Deleted"}]
                    self._say("* SEARCH " + " ".join(map(str, found)))
                elif command == "UID FETCH":
                    number = int(rest.split(" ")[2])
                    content = outer.mails[number][1]
                    self._say(f"* 1 FETCH (UID {number} BODY[]<0> {{{len(content)}}}")
                    self.wfile.write(content + b")\r\n")
                elif command == "UID STORE":
                    for number in map(int, rest.split(" ")[2].split(",")):
                        outer.mails[number][0].update(re.findall(r"\\\w+", rest))
                elif command == "UID EXPUNGE":
                    for number in map(int, rest.split(" ")[2].split(",")):
                        if "\\Deleted" in outer.mails[number][0]:
                            del outer.mails[number]
                elif command == "LOGOUT":
                    self._say("* BYE")
                    self._say(f"{tag} OK")
                    return False
                else:
                    self._say(f"{tag} BAD {command}")
                    return True
                self._say(f"{tag} OK done")
                return True

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads = True, True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def put(self, *contents: bytes) -> None:
        for content in contents:
            self.mails[max(self.mails, default=0) + 1] = (set(), content)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
