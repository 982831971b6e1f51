"""Every alert rule, tried in Prometheus itself: each fires when things are bad, none when they are well."""

import re
import shutil
import subprocess

import pytest
import yaml

from tests.running import ROOT

RULES = ROOT / "ansible/roles/monitoring/files/kustos.rules.yml"
GUIDE = ROOT / "docs/operating/monitoring.md"
ALERTS = {rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}

WEB, GATEWAY, WORKER = (f'instance="a/{name}", process="{name}"' for name in ("web", "gateway", "worker"))
DAY = 86400
WELL = {
    f'up{{job="kustos", {WEB}}}': "1+0x200",
    f"kustos_process_start_time_seconds{{{WEB}}}": "5+0x200",
    f"kustos_event_loop_delay_seconds{{{GATEWAY}}}": "0.001+0x200",
    f"kustos_process_open_fds{{{WEB}}}": "50+0x200",
    f"kustos_process_max_fds{{{WEB}}}": "1000+0x200",
    f'kustos_figures_complete{{group="house", {WEB}}}': "1+0x200",
    f"kustos_database_up{{{WEB}}}": "1+0x200",
    f"kustos_database_schema_current{{{WEB}}}": "1+0x200",
    f'kustos_database_connections{{state="idle", {WEB}}}': "20+0x200",
    f"kustos_database_connections_max{{{WEB}}}": "100+0x200",
    f"kustos_database_pool_connections{{{WEB}}}": "1+0x200",
    f"kustos_database_pool_connections_max{{{WEB}}}": "20+0x200",
    f"kustos_database_oldest_transaction_seconds{{{WEB}}}": "1+0x200",
    f'kustos_http_requests_total{{status="200", {WEB}}}': "0+60x200",
    f'kustos_http_requests_total{{status="500", {WEB}}}': "0+0x200",
    f'kustos_http_request_duration_seconds_bucket{{le="0.1", {WEB}}}': "0+60x200",
    f'kustos_http_request_duration_seconds_bucket{{le="10", {WEB}}}': "0+60x200",
    f'kustos_http_request_duration_seconds_bucket{{le="+Inf", {WEB}}}': "0+60x200",
    f"kustos_certificate_end_timestamp_seconds{{{WEB}}}": f"{400 * DAY}+0x200",
    f'kustos_gaps_open{{cause="node_lost", {WEB}}}': "0+0x200",
    f'kustos_gaps_open{{cause="page_closed", {WEB}}}': "3+0x200",
    f'kustos_gaps_opened_total{{cause="node_lost", {GATEWAY}}}': "0+0x200",
    f'kustos_gaps_opened_total{{cause="page_closed", {GATEWAY}}}': "0+5x200",
    f"kustos_gateway_bus_connected{{{GATEWAY}}}": "1+0x200",
    f"kustos_gateway_nodes_healthy{{{GATEWAY}}}": "1+0x200",
    f'kustos_gateway_heartbeat_age_seconds{{gateway="a 1", {WEB}}}': "1+0x200",
    f'kustos_node_up{{node="n", {WEB}}}': "1+0x200",
    f'kustos_node_sittings{{node="n", {WEB}}}': "9+0x200",
    f'kustos_node_capacity_sittings{{node="n", {WEB}}}': "0+0x200",
    f"kustos_workers_alive{{{WEB}}}": "4+0x200",
    f'kustos_queue_waiting_seconds{{queue="default", {WEB}}}': "1+0x200",
    f'kustos_queue_waiting_seconds{{queue="exports", {WEB}}}': "600+0x200",
    f'kustos_jobs_total{{task="media.seal", outcome="failed", {WORKER}}}': "0+0x200",
    f'kustos_queue_jobs{{queue="default", state="failed", {WEB}}}': "2+0x200",
    f'kustos_live_analysis_behind_seconds_bucket{{le="1", {WORKER}}}': "0+60x200",
    f'kustos_live_analysis_behind_seconds_bucket{{le="10", {WORKER}}}': "0+60x200",
    f'kustos_live_analysis_behind_seconds_bucket{{le="+Inf", {WORKER}}}': "0+60x200",
    f"kustos_part_waiting_seconds{{{WEB}}}": "10+0x200",
    f'kustos_parts_sealed_total{{outcome="lost", {WORKER}}}': "0+0x200",
    f'kustos_disk_closed{{gateway="a 1", {WEB}}}': "0+0x200",
    f'kustos_disk_free_bytes{{folder="vault", {WEB}}}': "500+0x200",
    f'kustos_disk_size_bytes{{folder="vault", {WEB}}}': "1000+0x200",
    f"kustos_audit_checkpoint_age_seconds{{{WEB}}}": "3000+0x200",
    f"kustos_audit_entries_after_checkpoint{{{WEB}}}": "0+0x200",
    f"kustos_audit_forwarding_failing_seconds{{{WEB}}}": "0+0x200",
    f"kustos_backup_timestamp_seconds{{{WEB}}}": "0+60x200",
    f"kustos_backup_streamed_timestamp_seconds{{{WEB}}}": "0+60x200",
    f"kustos_backup_failing{{{WEB}}}": "0+0x200",
    f"kustos_clock_synchronised{{{WEB}}}": "1+0x200",
    f"kustos_clock_offset_seconds{{{WEB}}}": "-0.02+0x200",
}
"""A sample a minute of an appliance that is well, exams running."""

BAD = {
    "KustosProcessDown": {f'up{{job="kustos", {WEB}}}': "0+0x200"},
    "KustosProcessRestarts": {f"kustos_process_start_time_seconds{{{WEB}}}": "5+60x200"},
    "KustosLoopLate": {f"kustos_event_loop_delay_seconds{{{GATEWAY}}}": "3+0x200"},
    "KustosFilesRunOut": {f"kustos_process_open_fds{{{WEB}}}": "900+0x200"},
    "KustosFiguresMissing": {f'kustos_figures_complete{{group="house", {WEB}}}': "0+0x200"},
    "KustosNoFigures": {f"kustos_database_up{{{WEB}}}": None},
    "KustosDatabaseAway": {f"kustos_database_up{{{WEB}}}": "0+0x200"},
    "KustosSchemaOutdated": {f"kustos_database_schema_current{{{WEB}}}": "0+0x200"},
    "KustosConnectionsRunOut": {f'kustos_database_connections{{state="idle", {WEB}}}': "95+0x200"},
    "KustosPoolExhausted": {f"kustos_database_pool_connections{{{WEB}}}": "20+0x200"},
    "KustosTransactionOld": {f"kustos_database_oldest_transaction_seconds{{{WEB}}}": "1+60x200"},
    "KustosErrors": {f'kustos_http_requests_total{{status="500", {WEB}}}': "0+3x200"},
    "KustosSlowAnswers": {f'kustos_http_request_duration_seconds_bucket{{le="0.1", {WEB}}}': "0+30x200"},
    "KustosCertificateEnds": {f"kustos_certificate_end_timestamp_seconds{{{WEB}}}": f"{5 * DAY}+0x200"},
    "KustosCertificateEnded": {f"kustos_certificate_end_timestamp_seconds{{{WEB}}}": "0+0x200"},
    "KustosGapsOpen": {f'kustos_gaps_open{{cause="node_lost", {WEB}}}': "2+0x200"},
    "KustosGapsGrow": {f'kustos_gaps_opened_total{{cause="node_lost", {GATEWAY}}}': "0+1x200"},
    "KustosGatewayNotReady": {f"kustos_gateway_nodes_healthy{{{GATEWAY}}}": "0+0x200"},
    "KustosGatewaySilent": {f'kustos_gateway_heartbeat_age_seconds{{gateway="a 1", {WEB}}}': "1+60x200"},
    "KustosNodeDown": {f'kustos_node_up{{node="n", {WEB}}}': "0+0x200"},
    "KustosNodeFull": {f'kustos_node_capacity_sittings{{node="n", {WEB}}}': "9+0x200"},
    "KustosNoWorkers": {f"kustos_workers_alive{{{WEB}}}": "0+0x200"},
    "KustosQueueLate": {f'kustos_queue_waiting_seconds{{queue="default", {WEB}}}': "1+60x200"},
    "KustosBackgroundLate": {f'kustos_queue_waiting_seconds{{queue="exports", {WEB}}}': "1+60x200"},
    "KustosJobsFail": {f'kustos_jobs_total{{task="media.seal", outcome="failed", {WORKER}}}': "0+1x200"},
    "KustosJobsGivenUp": {f'kustos_queue_jobs{{queue="default", state="failed", {WEB}}}': "2+1x200"},
    "KustosAnalysisBehind": {f'kustos_live_analysis_behind_seconds_bucket{{le="1", {WORKER}}}': "0+5x200"},
    "KustosPartsWait": {f"kustos_part_waiting_seconds{{{WEB}}}": "10+60x200"},
    "KustosPartsLost": {f'kustos_parts_sealed_total{{outcome="lost", {WORKER}}}': "0+1x200"},
    "KustosDiskClosed": {f'kustos_disk_closed{{gateway="a 1", {WEB}}}': "1+0x200"},
    "KustosDiskLow": {f'kustos_disk_free_bytes{{folder="vault", {WEB}}}': "50+0x200"},
    "KustosDiskFills": {f'kustos_disk_free_bytes{{folder="vault", {WEB}}}': "900-0.4x200"},
    "KustosAuditUnsigned": {f"kustos_audit_entries_after_checkpoint{{{WEB}}}": "4+0x200"},
    "KustosAuditNotForwarded": {f"kustos_audit_forwarding_failing_seconds{{{WEB}}}": "0+60x200"},
    "KustosBackupOld": {f"kustos_backup_timestamp_seconds{{{WEB}}}": "-100000+0x200"},
    "KustosBackupStreamLate": {f"kustos_backup_streamed_timestamp_seconds{{{WEB}}}": "0+0x200"},
    "KustosBackupFails": {f"kustos_backup_failing{{{WEB}}}": "1+0x200"},
    "KustosNoBackup": {f"kustos_backup_timestamp_seconds{{{WEB}}}": None},
    "KustosClockUnkept": {f"kustos_clock_synchronised{{{WEB}}}": "0+0x200"},
    "KustosClockOff": {f"kustos_clock_offset_seconds{{{WEB}}}": "-3+0x200"},
}
"""What differs then; the rest stays well."""
ALSO = {"KustosCertificateEnded": {"KustosCertificateEnds"}, "KustosNoFigures": set()}
"""Alerts that come along by their nature."""
AT = "76m"
LATE = {"KustosNoBackup"}
"""What takes a day to fire has a test of its own."""


def test_every_rule_is_tried_and_explained():
    assert set(BAD) == set(ALERTS)
    headings = set(re.findall(r"^#### (\w+)$", GUIDE.read_text(), re.M))
    assert headings == set(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "action", "runbook"}
        assert rule["annotations"]["runbook"] == f"docs/operating/monitoring.md#{name.lower()}"


def case(name, series, firing):
    """One test of ``promtool test rules``: exactly these alerts fire."""
    tests = [
        {
            "expr": f'count(ALERTS{{alertstate="firing", alertname="{one}"}})',
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        for one in sorted(firing)
    ]
    whole = [{"labels": "{}", "value": len(firing)}] if firing else []
    tests.append({"expr": 'count(count by (alertname) (ALERTS{alertstate="firing"}))', "exp_samples": whole})
    return {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": key, "values": value} for key, value in series.items() if value is not None],
        "promql_expr_test": [{"eval_time": AT, **test} for test in tests],
    }


@pytest.fixture(scope="module")
def promtool():
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed: run .ci/packages test")
    return found


@pytest.mark.timeout(600)  # eight seconds of processor time, on a machine that may be busy
def test_prometheus_fires_each_rule_when_it_should_and_no_other(promtool, tmp_path):
    cases = [case("well", WELL, set())]
    cases += [case(name, WELL | bad, {name} | ALSO.get(name, set())) for name, bad in BAD.items() if name not in LATE]
    run(promtool, tmp_path, cases, "2m")


def test_an_appliance_that_was_never_backed_up_is_told_after_a_day(promtool, tmp_path):
    up = {"series": f"kustos_database_up{{{WEB}}}", "values": "1+0x60"}
    samples = [{"expr": 'count(ALERTS{alertstate="firing", alertname="KustosNoBackup"})', "eval_time": "28h"}]
    samples[0]["exp_samples"] = [{"labels": "{}", "value": 1}]
    late = {"interval": "30m", "input_series": [up], "promql_expr_test": samples}
    run(promtool, tmp_path, [late], "30m")


def run(promtool, folder, cases, interval):
    file = folder / "cases.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": interval, "tests": cases}))
    done = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
