"""nginx, one process, configuration generated: the mock provider's unary half, and the plain proxy."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from bench.payloads import chat_answer

if TYPE_CHECKING:
    from pathlib import Path

INSTALL_HINT = "apt-get install nginx-light"

_FRAME = """\
daemon off;
master_process off;
error_log {root}/error.log error;
pid {root}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  default_type application/json;
  keepalive_requests 1000000000;
  client_body_buffer_size 64k;
  client_body_temp_path {root}/body;
  proxy_temp_path {root}/proxy;
  fastcgi_temp_path {root}/fastcgi;
  uwsgi_temp_path {root}/uwsgi;
  scgi_temp_path {root}/scgi;
{content}
}}
"""


def find() -> str | None:
    """The nginx binary, also where Debian keeps it outside a user's path."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def mock_config(root: Path, port: int) -> str:
    """Nginx as the mock provider: the fixed unary answer at every path."""
    answer = chat_answer().decode()
    server = f"  server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ return 200 '{answer}'; }} }}"
    return _FRAME.format(root=root, content=server)


def proxy_config(root: Path, port: int, upstreams: dict[str, str]) -> str:
    """Nginx as an unbuffered reverse proxy with kept-alive upstreams; a location for each workload."""
    pools, locations = [], []
    for name, url in upstreams.items():
        address = url.removeprefix("http://").split("/")[0]
        pools.append(f"  upstream {name} {{ server {address}; keepalive 256; keepalive_requests 1000000000; }}")
        locations.append(f"    location /{name}/ {{ proxy_pass http://{name}; }}")
    settings = '    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;'
    server = [f"  server {{ listen 127.0.0.1:{port} backlog=1024;", settings, *locations, "  }"]
    return _FRAME.format(root=root, content="\n".join([*pools, *server]))
