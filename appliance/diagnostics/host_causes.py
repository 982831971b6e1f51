"""What may be wrong with an installed host: units, ports, database, backups, figures. Part of ``causes.CAUSES``."""

from typing import Final

from appliance.diagnostics.cause import Cause

OF_THE_HOST: Final[dict[str, Cause]] = {
    "unit_down": Cause(
        "This unit does not run.",
        "Read why: journalctl -u UNIT -n 50. Then start it: systemctl start UNIT. Where it is not known to systemd's"
        " liking, run `kustos install` again.",
    ),
    "unit_missing": Cause(
        "This unit is not installed here, although the inventory gives it to this host.",
        "Run `kustos install` again: it puts back what is missing.",
    ),
    "unit_not_enabled": Cause(
        "This unit runs, but would not come back after a restart of the machine.",
        "systemctl enable UNIT, or run `kustos install` again.",
    ),
    "unit_restarts": Cause(
        "systemd started this unit again and again within the last hour.",
        "Read why it ended: journalctl -u UNIT -p warning; most often memory (MemoryMax) or the database.",
    ),
    "systemd_silent": Cause(
        "systemd could not be asked from here.", "Run `kustos check` on the host itself: the pages may not ask it."
    ),
    "port_silent": Cause(
        "Nobody answers at this port.",
        "Look at the unit that should (the step for units), and at what else took the port: ss -ltnp.",
    ),
    "port_blocked": Cause(
        "Connections to this port vanish: something on this host drops them.",
        "Look at the firewall's rules (nft list ruleset) and run `kustos install` again: it writes its own anew.",
    ),
    "connections_few": Cause(
        "The database has few connections left.",
        "Look at who holds them (pg_stat_activity), or let PostgreSQL take more: run `kustos install` again, which"
        " counts the processes of the inventory.",
    ),
    "archiving_fails": Cause(
        "PostgreSQL cannot archive its log: nothing newer than the last archived part could be restored, and its disk"
        " fills up.",
        "Look at the place where backups go (room, access, network) and at PostgreSQL's log; it tries again by"
        " itself.",
    ),
    "follower_lost": Cause(
        "Who follows the database's log has lost it: parts it had not read yet are gone.",
        "Make a full backup now: kustos backup create. The stream begins anew from it.",
    ),
    "follower_behind": Cause(
        "Who follows the database's log is not connected or does not keep up; meanwhile the log grows on the"
        " database's disk.",
        "Look at the unit that streams the backup: systemctl status 'kustos-backup*'.",
    ),
    "no_backup": Cause(
        "No backup was ever made by this appliance.",
        "Name where backups go in the inventory (kustos_backup_target) and run `kustos install` again; see"
        " docs/operating/backup.md.",
    ),
    "backup_failed": Cause(
        "The last backup failed.",
        "The detail says why: most often room or access at its target. Then: kustos backup create.",
    ),
    "backup_late": Cause(
        "The newest full backup is older than a night.",
        "Look at its timer: systemctl list-timers 'kustos-backup*', and at its journal; then: kustos backup create.",
    ),
    "backup_stream_late": Cause(
        "What was committed in the last minutes is in no backup yet: the stream does not run.",
        "Look at the unit that streams: systemctl status 'kustos-backup*', and at the target's room and access.",
    ),
    "no_figures": Cause(
        "No process shows its figures here.", "Nothing is to be done unless monitoring is wanted: metrics_listen."
    ),
    "process_silent": Cause(
        "This process does not answer monitoring: it hangs, or has just ended.",
        "systemd starts it anew after its watchdog's time; if not: systemctl restart UNIT, and read its journal.",
    ),
    "process_not_ready": Cause(
        "This process lives, but says that it cannot work.",
        "The detail says what it lacks: most often the database or a media node; see their steps.",
    ),
    "figures_missing": Cause("This process cannot tell its figures.", "Read its journal and start it again."),
    "turn_name_unknown": Cause(
        "This host does not find the TURN server's name; browsers may.",
        "Enter the name in the DNS that this host asks, or in /etc/hosts.",
    ),
    "inodes_low": Cause(
        "Few files can still be made on this disk, although there is room.",
        "Find the folder with very many small files and clear it, or make a new file system with more inodes.",
    ),
}
