"""The configuration of the one origin: ``/`` to web, ``/live`` to the gateway, http on loopback, https on the LAN."""

import os
import pwd
from pathlib import Path

from appliance.standalone.layout import Layout, Ports

TEMPLATE = """\
# Written by `kustos up`; production's configuration comes from ansible/.
{user}worker_processes 1;
pid {run}/nginx.pid;
error_log stderr warn;
daemon off;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  server_tokens off;
  client_body_temp_path {run}/nginx-body;
  proxy_temp_path {run}/nginx-proxy;
  fastcgi_temp_path {run}/nginx-fastcgi;
  uwsgi_temp_path {run}/nginx-uwsgi;
  scgi_temp_path {run}/nginx-scgi;
  # The outer ring, against one machine that floods; who is who the application counts. A hall of candidates may share
  # one address, so what is static is not counted, and the rest has room for all of them starting at once.
  limit_req_zone $binary_remote_addr zone=requests:10m rate=100r/s;
  limit_req_zone $binary_remote_addr zone=log_in:1m rate=5r/s;
  limit_req_status 429;
  limit_conn_zone $binary_remote_addr zone=connections:10m;
  limit_conn_status 429;
  client_header_timeout 20s;  # a slow sender must not hold a connection for ever
  client_body_timeout 30s;
  client_max_body_size 12m;  # above settings.photo_max_bytes, so that the application words the refusal
  map $http_cookie $kustos_visitor {{  # by https their names begin with __Host-, which no variable of nginx can
    default $remote_addr;
    "~kustos_(?:sitting|staff)=(?<kustos_token>[^;]+)" $kustos_token;
  }}
  upstream gateways {{
    hash $kustos_visitor consistent;  # who comes back comes to the same one, if it lives
{gateways}
  }}
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $remote_addr;  # replaced, not appended: what a client claims does not count
  proxy_set_header X-Forwarded-Proto $scheme;
  server {{
    listen 127.0.0.1:{http};{ipv6}
    include {run}/locations.conf;
  }}
  server {{
    listen {https} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3;
    include {run}/locations.conf;
  }}
}}
"""

LOCATIONS = """\
location /live {{
  proxy_pass http://gateways;
  proxy_connect_timeout 2s;  # the next gateway is asked then
  proxy_set_header Host $http_host;  # nginx hands nothing down to a location that sets a header of its own
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;
  proxy_read_timeout 60s;  # the page pings every 10 s
  proxy_buffering off;
}}
location / {{
  limit_req zone=requests burst=1000 nodelay;
  limit_conn connections 600;
  proxy_pass http://127.0.0.1:{web};
  proxy_buffering off;
  proxy_request_buffering off;
}}
location = /login {{
  limit_req zone=log_in burst=100 nodelay;
  proxy_pass http://127.0.0.1:{web};
}}
location /static/ {{
  proxy_pass http://127.0.0.1:{web};
  proxy_buffering off;
}}
error_page 429 @too_many;
location @too_many {{
  internal;
  default_type text/plain;
  add_header Retry-After 5 always;
  return 429 "Too many requests. Wait a few seconds and try again.\n";
}}
"""


def write_configuration(layout: Layout, ports: Ports, certificate: Path, key: Path) -> Path:
    """Write nginx's files below ``layout.run`` and return the main one."""
    user = ""
    if os.geteuid() == 0:
        known = {entry.pw_name for entry in pwd.getpwall()}
        user = f"user {'www-data' if 'www-data' in known else 'nobody'};\n"
    ipv6 = f"\n    listen [::1]:{ports.http};" if _has_ipv6_loopback() else ""
    locations = LOCATIONS.format(web=ports.web)
    (layout.run / "locations.conf").write_text(locations, encoding="utf-8")
    main = layout.run / "nginx.conf"
    main.write_text(
        TEMPLATE.format(
            user=user,
            run=layout.run,
            http=ports.http,
            https=ports.https,
            ipv6=ipv6,
            gateways="\n".join(
                f"    server 127.0.0.1:{port} max_fails=1 fail_timeout=2s;" for port in ports.gateways
            ),
            certificate=certificate,
            key=key,
        ),
        encoding="utf-8",
    )
    return main


def _has_ipv6_loopback() -> bool:
    table = Path("/proc/net/if_inet6")
    return table.exists() and "00000000000000000000000000000001" in table.read_text(encoding="ascii")
