"""An https server with a certificate that nobody has signed."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

# Made for these tests, and of no use anywhere else.
KEY_AND_CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgLErhZG17zP/Kc+JG
2VJNwtlahA0fRlKCUAzJd+EIhrehRANCAASbFiV24tgujMj3jkwf4FgP+OY6YQdr
BZSTjZWDrg6QsGkIKOLl/K3P2kvYQhACaMw7xMvpdxa/T0KGTPjspZlW
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBfjCCASWgAwIBAgIUaVirbIJ3ME5dOb7wL2/ILK2cry8wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyOTAxNDE1N1oYDzIxMjYxMTA1
MDE0MTU3WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASbFiV24tgujMj3jkwf4FgP+OY6YQdrBZSTjZWDrg6QsGkIKOLl/K3P
2kvYQhACaMw7xMvpdxa/T0KGTPjspZlWo1MwUTAdBgNVHQ4EFgQUeMXt0O0VqN5U
C34Q4bJuH+qzQkgwHwYDVR0jBBgwFoAUeMXt0O0VqN5UC34Q4bJuH+qzQkgwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiA7lE9OH83VJj+KsaUf6X8x
8Egh//10GjM/SnbaRmqmVgIgQ7kzoTr4PRqSEelp27itfZ5tVWVtL3DGPwZEifGz
qHE=
-----END CERTIFICATE-----
"""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"data")

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextlib.contextmanager
def serving_https(scratch: Path) -> Iterator[str]:
    """Serve ``data`` at every path; gives the address."""
    pem = scratch / "server.pem"
    pem.write_text(KEY_AND_CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with HTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        # A client that hangs up during the handshake is no fault of the server.
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
