"""What may be wrong, and what to do about it: key -> probable cause, remedy. One table for page, text and manual.

English here; the Russian is in ``web/locale/ru/checks.po``.
"""

from typing import Final

from appliance.diagnostics.cause import Cause
from appliance.diagnostics.host_causes import OF_THE_HOST

OF_THE_BOX: Final[dict[str, Cause]] = {
    **OF_THE_HOST,
    "gateway_silent": Cause(
        "The gateway does not answer.",
        "Start it again (supervisorctl or systemctl restart gateway) and read the end of its log. Meanwhile run"
        " `kustos check` on the server: it needs no gateway.",
    ),
    "gateway_gone": Cause(
        "This gateway has no heartbeat any more and did not say good-bye; the others have taken its sittings.",
        "Start it again and read the end of its log. If it is not to come back, nothing is to be done: it is"
        " forgotten after a day.",
    ),
    "check_broke_off": Cause(
        "The check itself broke off.", "Run it again; if it does so again, send the bundle and the gateway's log."
    ),
    "gateway_not_ready": Cause(
        "The gateway runs, but hears no database or has no media node.",
        "See the steps for the database and the media nodes; the gateway comes back by itself when they do.",
    ),
    "database_unreachable": Cause(
        "The database cannot be reached.",
        "Start PostgreSQL, look at its log and at the disk; check database_url in the settings.",
    ),
    "database_outdated": Cause(
        "The database has another revision than this version of Kustos needs.",
        "Finish the update: start Kustos again with the new version, which brings the database up to date.",
    ),
    "recordings_readonly": Cause(
        "Nothing can be written to the recordings folder: it is read-only or belongs to somebody else.",
        "Give the folder to the account that the media node runs as, and mount its disk writable; recording"
        " goes on by itself within seconds.",
    ),
    "recordings_missing": Cause(
        "The recordings folder is not there and cannot be made.",
        "Mount its disk, or set recordings_dir to a folder that exists on this server and on every media node.",
    ),
    "disk_full": Cause(
        "The disk of the recordings is full.",
        "Free space or enlarge the disk now: nothing is recorded. New sittings are admitted again when the reserve is"
        " free.",
    ),
    "disk_low": Cause(
        "Less than the reserve is free: no new sitting is admitted.",
        "Free space or enlarge the disk; running sittings go on until it is full.",
    ),
    "disk_low_elsewhere": Cause(
        "Little room is left on a disk that the appliance needs for its database, its program or its logs.",
        "Free space or enlarge the disk: old releases below /opt/kustos/releases, journalctl --vacuum-size=1G.",
    ),
    "disk_will_be_full": Cause(
        "At the running bit rate the disk is full before the running exams end.",
        "Free space or enlarge the disk before the hours below are over; no new sitting is admitted.",
    ),
    "disk_closed": Cause(
        "What is admitted will use up the disk down to the reserve: no new sitting is admitted.",
        "Free space or enlarge the disk; running sittings are safe.",
    ),
    "disk_tight": Cause(
        "Little more than the reserve will be left when the running exams are over.",
        "Free space or enlarge the disk before more candidates come.",
    ),
    "no_forecast": Cause("No gateway has made a forecast of the disk lately."),
    "model_unfit": Cause(
        "A model file of your own cannot be used: what it would find is not looked for. Everything else goes on.",
        "The detail says what is wrong. Put a fitting file there (docs/biometrics/own-models.md), or empty the"
        " setting, then start the workers again.",
    ),
    "no_own_models": Cause("No model file of your own is named; none is needed."),
    "clock_off": Cause(
        "The server's clock is wrong.",
        "Set up chrony or systemd-timesyncd with a time server that this network reaches; do not set the clock"
        " by hand during exams.",
    ),
    "clock_unsynchronised": Cause(
        "Nobody keeps this machine's clock.",
        "Set up chrony or systemd-timesyncd. With the setting time_server the check measures the difference.",
    ),
    "time_server_silent": Cause(
        "The time server of the settings does not answer.",
        "Check the setting time_server and let UDP port 123 through to it.",
    ),
    "certificate_expired": Cause(
        "The certificate has expired: browsers refuse the pages, or their camera.",
        "Renew it and reload nginx. The certificate that Kustos made itself is renewed at the next start.",
    ),
    "certificate_not_yet_valid": Cause(
        "The certificate is not valid yet.", "Check the server's clock, then the certificate's dates."
    ),
    "certificate_expires_soon": Cause(
        "The certificate expires within two weeks.", "Renew it in time and reload nginx."
    ),
    "certificate_unreadable": Cause(
        "The certificate cannot be read.", "Check the file, or that https answers at the public address."
    ),
    "no_certificate": Cause(
        "There is no certificate here: the pages are served by another server, or without https."
    ),
    "no_turn": Cause("No TURN server is set: browsers reach the nodes directly."),
    "turn_password": Cause(
        "The TURN server refuses the credentials: its password is not the one of the settings.",
        "Make turn_secret of the settings and static-auth-secret of coturn the same, then restart both; check"
        " that the two machines have the same time, too.",
    ),
    "turn_unreachable": Cause(
        "The TURN server cannot be reached.",
        "Start it and let its port through the firewall: UDP and TCP 3478, TLS 5349 or 443.",
    ),
    "turn_no_relay": Cause(
        "The TURN server answers, but gives no relay.", "Read its log: relay ports, quota, or the realm may be wrong."
    ),
    "worker_stopped": Cause(
        "No worker takes this kind of job: it is stopped, or hangs.",
        "Start it again (supervisorctl or systemctl restart worker) and read the end of its log. Analysis goes"
        " on where it ended; recordings are not touched.",
    ),
    "worker_behind": Cause(
        "The workers do not keep up: jobs wait.",
        "Start more workers, or move them to a machine with more processors (the sizing table is in the manual).",
    ),
    "node_unreachable": Cause(
        "The media node does not answer.",
        "Start it again and read its log; from another machine also check the address and that TCP port 8888 is let"
        " through. Its sittings go to another node, if there is one.",
    ),
    "node_hangs": Cause(
        "The media node takes the connection but answers nothing.",
        "Restart the node; its sittings begin a new part elsewhere or there. Keep its log for the ticket.",
    ),
    "node_overloaded": Cause(
        "The media node is overloaded.",
        "Let it have fewer sittings (`kustos node drain`), add a node, or take other work off the machine.",
    ),
    "node_busy": Cause("The media node has little reserve left.", "Add a node before more sittings come."),
    "not_looked_at": Cause("Not looked at: a step before it failed."),
}

OF_A_SITTING: Final[dict[str, Cause]] = {
    "camera_stays": Cause(
        "The camera of this exam is not sent: the candidate's own browser looks at it.",
        "Nothing is to be done; only findings and figures come.",
    ),
    "own_analysis_failed": Cause(
        "The analysis in the candidate's browser does not run, or is too slow to judge by.",
        "Have the candidate close other programs and tabs, take a current Chrome, Edge or Firefox, then reload the"
        " page. The exam goes on; the span is shown as undetermined.",
    ),
    "sitting_over": Cause("The sitting is over: nothing is live.", "Look at its timeline instead."),
    "not_started": Cause("The exam has not been started: nothing is recorded or analysed yet."),
    "not_joined": Cause(
        "The candidate is still in the check-in: camera and screen are sent from the waiting room on.",
        "Let the candidate finish the check-in; the system check tells what is in the way.",
    ),
    "socket_lost": Cause(
        "The candidate's page is not connected.",
        "Ask whether the page is open and the network up. A proxy must let WebSocket through to /live; the page comes"
        " back by itself.",
    ),
    "socket_unsteady": Cause(
        "The page's connection breaks again and again.",
        "A cable instead of Wi-Fi, no VPN; a proxy that cuts long connections must let /live go on.",
    ),
    "browser_silent": Cause(
        "The browser has reported nothing of itself for a while.",
        "Let the candidate reload the page. A computer that sleeps, or a tab in the background, may be why.",
    ),
    "browser_unknown": Cause("The browser has not reported anything of itself: not judged from its side."),
    "camera_muted": Cause(
        "The camera is muted in the browser: it sends no pictures, or black ones.",
        "Have the candidate open the camera's shutter, switch it on (key or switch), and close other programs"
        " that use it; then choose the camera again on the page.",
    ),
    "camera_ended": Cause(
        "The camera has gone: unplugged, or the browser's permission was taken back.",
        "Have the candidate plug it in and answer the page's question for the camera.",
    ),
    "screen_ended": Cause(
        "The screen is not shared any more.",
        "Have the candidate share the entire screen again; the page asks for it.",
    ),
    "microphone_muted": Cause(
        "The microphone is muted or gone.", "Have the candidate unmute it or choose another one on the page."
    ),
    "browser_overloaded": Cause(
        "The candidate's computer is too slow: the browser sends less than it should.",
        "Have the candidate close other programs and tabs and plug in the power supply.",
    ),
    "browser_bandwidth": Cause(
        "The candidate's line is too narrow: the browser sends less than it should.",
        "A cable instead of Wi-Fi; nobody else should download meanwhile. 1.5 Mbit/s upwards are needed.",
    ),
    "not_published": Cause(
        "The browser has not published this track.",
        "Let the candidate reload the page and share camera and screen. If the gateway has no media node, see that"
        " step.",
    ),
    "endpoint_gone": Cause(
        "The media node no longer has this track's objects.",
        "The node was restarted: the browser is asked for a new connection; if it does not come, let the candidate"
        " reload the page.",
    ),
    "udp_blocked": Cause(
        "UDP is blocked between the browser and the media node: packets go out, none come back.",
        "Let the rule below through the firewalls on the way, or offer TURN over TLS on port 443 (turn_urls).",
    ),
    "media_over_tcp": Cause(
        "UDP is blocked: pictures go over TCP. It works, but a lost packet holds up all that follow.",
        "Let the rule below through the firewalls on the way.",
    ),
    "no_local_address": Cause(
        "The browser finds no way out for video: a policy or an extension forbids WebRTC.",
        "Have the extension or policy lifted (WebRTC IP handling), or use another browser.",
    ),
    "ice_failed": Cause(
        "Browser and node found no pair of addresses that works.",
        "Compare the addresses that both told: the node must be reachable at one of them (external address behind"
        " NAT), or offer a TURN server.",
    ),
    "just_begun": Cause("It has just begun.", "Check again in a few seconds."),
    "dtls_failed": Cause(
        "The encryption was not agreed on: packets pass, but not the DTLS handshake.",
        "A middlebox that changes UDP, or a very old browser; try another network or browser.",
    ),
    "no_flow": Cause(
        "The connection stands, but no pictures arrive.",
        "If the browser counts frames sent, look at loss and bandwidth; if not, at the camera. Let the"
        " candidate reload the page.",
    ),
    "no_sound": Cause("Pictures arrive, but no sound.", "Have the candidate check the microphone."),
    "loss_high": Cause(
        "Too many packets are lost: pictures freeze and parts of the recording are missing.",
        "A cable instead of Wi-Fi, no VPN. If many candidates have it, look at the server's own line.",
    ),
    "loss_noticeable": Cause("Packets are lost; so far they are sent again in time.", "A cable instead of Wi-Fi."),
    "jitter_high": Cause(
        "Packets come very unevenly.", "The line is full or the Wi-Fi weak: a cable, and no downloads meanwhile."
    ),
    "recorder_failed": Cause(
        "The node cannot write this recording.",
        "Read what the node said below; check the folder's rights and space on the node's machine.",
    ),
    "recorder_missing": Cause(
        "The track arrives, but nothing records it.",
        "The gateway tries again by itself within 16 s; if not, read its log and that of the node.",
    ),
    "gap_open": Cause(
        "A gap is open: this moment is not recorded.", "Its cause is below; it ends when pictures come."
    ),
    "file_missing": Cause(
        "The recording's file is not where it should be.",
        "The node must write to the same folder as this server reads: check recordings_dir and its mount on the"
        " node.",
    ),
    "file_not_growing": Cause(
        "The recording's file does not grow although pictures arrive.",
        "Check the disk of the node's machine. If it goes on, restart the node; a new part begins.",
    ),
    "tap_missing": Cause(
        "No worker has joined the camera's pictures.",
        "See the step for the workers; a worker joins within a second or two of the recording's start.",
    ),
    "frames_old": Cause(
        "A worker has the job, but has seen no new picture for a while.",
        "Check that the node can send UDP to the workers' address (setting rtp_host), and the workers' load.",
    ),
    "viewer_codec_missing": Cause(
        "The browser of somebody who watches has no codec for these pictures (VP8).",
        "Use a current Chrome, Edge or Firefox with its own codecs; a policy or build without VP8 cannot watch.",
    ),
    "viewer_not_connected": Cause(
        "Somebody wants to watch, but their browser gets no connection to the node.",
        "Let UDP through between the proctors' network and the media node, or offer TURN.",
    ),
    "nobody_watches": Cause("Nobody watches just now."),
    "candidate_clock_off": Cause(
        "The candidate's clock is wrong.",
        "It does no harm here: only the server's clock counts. A certificate may look expired to that computer,"
        " so let the candidate set it right.",
    ),
}

OF_A_TRIAL: Final[dict[str, Cause]] = {
    "trial_publish_failed": Cause(
        "The node took the synthetic candidate's offer, but no pictures arrived.",
        "Check that this machine reaches the node by UDP and that the node has a network address; read the"
        " node's log.",
    ),
    "trial_record_failed": Cause(
        "The node did not record the synthetic candidate.",
        "Read what the node said below; check the recordings folder on the node's machine.",
    ),
    "trial_view_failed": Cause("The node did not pass the pictures on to a viewer.", "Read the node's log."),
    "trial_tap_failed": Cause(
        "No decoded picture arrived at the tap.",
        "Let UDP through from the node to the address rtp_host of the settings.",
    ),
    "trial_seal_failed": Cause(
        "The trial's recording could not be sealed and opened again.",
        "Check that the vault's folder can be written and the master key read; see what was said below.",
    ),
    "media_missing": Cause(
        "This machine has no GStreamer: no synthetic candidate can be sent.",
        "Run the check on a machine with a node.",
    ),
}

CAUSES: Final[dict[str, Cause]] = {**OF_THE_BOX, **OF_A_SITTING, **OF_A_TRIAL}
"""Every cause there is."""
