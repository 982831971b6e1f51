"""The report as lines for people: every rate with its interval and what it was counted over."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from media.biometrics.report.statistics import Json


def as_lines(report: Json) -> list[str]:
    """The whole report."""
    lines = [f"Kustos biometrics report on {report['folder']} (intervals: {report['confidence_of_intervals']:.0%})"]
    for name, words in WORDS.items():
        if name in report:
            lines += ["", name.replace("_", " ").capitalize(), *("  " + line for line in words(report[name]))]
    if report["not_there"]:
        lines += ["", "No data for: " + ", ".join(name.replace("_", " ") for name in report["not_there"])]
    lines += ["", *_skipped(report["skipped"]), f"{report['cpu_seconds']:.1f} s of one core"]
    return lines


def share(one: Json | None) -> str:
    """``98.0 % (97.0 to 98.7, 1176 of 1200)``."""
    if one is None or one["value"] is None:
        return "nothing to count"
    text = _percent(one["value"])
    if one.get("interval"):
        low, high = one["interval"]
        count = f", {one['hits']} of {one['n']}" if "hits" in one else f", n {one['n']}" if "n" in one else ""
        text += f" ({_percent(low)} to {_percent(high)}{count})"
    return text


def figure(one: Json, unit: str = "", digits: int = 3) -> str:
    """``0.971 (0.962 to 0.980, n 8)``."""
    if one["value"] is None:
        return "nothing to count"
    ends = one.get("interval")
    spread = f"{ends[0]:.{digits}f} to {ends[1]:.{digits}f}, " if ends else ""
    return f"{one['value']:.{digits}f}{unit} ({spread}n {one['n']})"


def _ends(interval: list[float] | None) -> str:
    return "no interval" if interval is None else f"{interval[0]} to {interval[1]}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %" if value >= 0.01 or value == 0 else f"{100 * value:.2f} %"


def _counted(reasons: dict[str, int]) -> str:
    return ", ".join(f"{reason.replace('_', ' ')} {count}" for reason, count in reasons.items()) or "none"


def _faces(one: Json) -> Iterator[str]:
    yield f"{one['pairs']} pairs of {one['pictures']} pictures ({', '.join(one['files'])})"
    failed = one["failure_to_enrol"]
    yield f"failure to enrol       {share(failed)}: {_counted(failed['reasons'])}"
    yield f"  no descriptor at all {share(failed['no_descriptor_at_all'])}"
    again = failed["check_in_asks_again"]
    yield f"  check-in asks again  {share(again)}: {_counted(again['reasons'])}"
    yield f"all pairs whose faces were found; left out: {share(one['excluded_pairs'])}"
    yield from _decided(one)
    yield f"  pairs left out counted as errors: {share(one['failures_as_errors'])}"
    gated = one["quality_gated"]
    left_out = gated["excluded_pairs"]
    yield f"pairs that pass the quality gate; left out: {share(left_out)}: {_counted(left_out['reasons'])}"
    yield from _decided(gated)
    several = one["several_pictures"]
    yield f"several pictures of the second person ({several['pictures_per_comparison']} on average)"
    yield from _decided(several)
    for crossed in (one["every_picture_with_every_other"], one["several_against_every_other"]):
        if not crossed["rates"]:
            continue
        yield (
            f"{crossed['how']}: {crossed['comparisons_of_strangers']} comparisons of strangers, "
            f"{crossed['comparisons_of_one_person']} of one person"
        )
        for row in crossed["rates"]:
            rates = f"FMR {share(row['fmr'])}  FNMR {share(row['fnmr'])}"
            yield f"  {row['at']:14} distance {row['threshold']:.3f}  {rates}"
    chosen = one["several_against_every_other"].get("chosen_elsewhere", {"folds": []})
    if chosen["folds"]:
        yield from _chosen(chosen)
    for attribute, values in one["groups"].items():
        for value, row in values.items():
            yield (
                f"group {attribute} = {value}: {row['pairs']} pairs, FMR {share(row['fmr'])}, FNMR "
                f"{share(row['fnmr'])}, failure to enrol {share(row['failure_to_enrol'])}"
            )


def _chosen(one: Json) -> Iterator[str]:
    yield one["how"]
    for name, rates in (
        ("match_below", (("FMR", "fmr"), ("FNMR", "fnmr"))),
        ("mismatch_from", (("one person told as another", "told_as_another"), ("not told", "strangers_not_told"))),
    ):
        ends = f"{one[name]['mean']:.3f} ({one[name]['lowest']:.3f} to {one[name]['highest']:.3f})"
        yield f"  {name:14} distance {ends}  " + "  ".join(f"{words} {share(one[key])}" for words, key in rates)


def _decided(one: Json) -> Iterator[str]:
    accuracy = one["accuracy"]
    if accuracy["value"] is None:
        yield "  not both kinds of pairs: no figures"
        return
    yield f"  accuracy {share(accuracy)}, {accuracy['folds']} folds ({accuracy['folds_are']})"
    yield f"  EER      {share({**one['eer'], 'n': one['eer']['n']})} at distance {one['eer']['threshold']:.3f}"
    for row in one["fmr_fnmr"]:
        doubt = "" if row["resolved"] else "; too few pairs of strangers to resolve that rate"
        yield (
            f"  FNMR {share(row['fnmr'])} where FMR is at most {_percent(row['at_most_fmr'])} "
            f"(distance {row['threshold']:.3f}{doubt})"
        )
    for name, row in one["at_product_thresholds"].items():
        if name == "undetermined":
            yield f"  nothing is said of    {share(row)}"
        else:
            yield f"  {name:13} {row['threshold']:.2f}: FMR {share(row['fmr'])}, FNMR {share(row['fnmr'])}"


def _clips(one: Json) -> Iterator[str]:
    yield (
        f"{len(one['clips'])} clips, {one['seconds']:.0f} s, analysed at {one['times_real_time_per_core']} times "
        "real time per core"
    )
    yield f"  {'':22} {'recall':38} {'precision':38} beginning off by (mean; largest)"
    for kind, row in {**one["by_type"], "all types": one["all_types"]}.items():
        onset = row["onset_error"]
        off = "-" if onset["value"] is None else f"{onset['value']:.2f} s; {onset['largest']:.2f} s"
        yield f"  {kind:22} {share(row['recall']):38} {share(row['precision']):38} {off}"
    false = one["false_incidents"]
    per_hour = false["per_hour"]
    yield (
        f"false incidents: {false['count']} in {per_hour['hours'] * 60:.1f} minutes, that is {per_hour['value']} an "
        f"hour ({_ends(per_hour['interval'])})"
    )
    for row in false["which"]:
        yield f"  FALSE {row['clip']} {row['type']} {row['reason']} {row['start']:.1f} to {row['end']:.1f} s"
    yield f"harmless stretches with a false incident: {share(one['harmless_events_with_a_false_incident'])}"
    yield f"told as undetermined: {one['undetermined_seconds']} s"


def _voices(one: Json) -> Iterator[str]:
    yield f"{one['files']} files, {one['seconds']:.0f} s, {share(one['speech'])} of the steps labelled speech"
    yield f"AUC per step of {one['step_ms']} ms: {figure(one['auc'])}, interval over files"
    yield f"at the rule's threshold {one['threshold']}: speech heard {share(one['heard'])}"
    yield f"  taken for speech without any: {share(one['false_alarms'])}"
    for name, row in one["noises"].items():
        told = f"above threshold {share(row['above'])}, {row['incidents']} incidents"
        yield f"noise made here, {name}: {row['seconds']:.0f} s, {told}"


def _poses(one: Json) -> Iterator[str]:
    excluded = one["excluded"]
    yield f"{one['pictures']} pictures; left out: {share(excluded)}: {_counted(excluded['reasons'])}"
    yield from _errors(one["mean_absolute_error"], "all")
    yield from _errors(one["within_the_quality_gate"]["mean_absolute_error"], one["within_the_quality_gate"]["how"])


def _errors(by_axis: Json, which: str) -> Iterator[str]:
    yield f"mean absolute error, {which}:"
    for axis, one in by_axis.items():
        yield f"  {axis:5} {figure(one, ' degrees', 2)}"


def _documents(one: Json) -> Iterator[str]:
    yield f"{one['pictures']} pictures of documents"
    yield f"zone found               {share(one['found'])}"
    yield f"every check digit fits   {share(one['all_digits_fit'])}, of the zones found {share(one['fit_of_found'])}"
    if one["with_truth"]["documents"]:
        truth = one["with_truth"]
        yield f"all fields right         {share(truth['all_fields_right'])}"
        yield f"fields right             {share(truth['fields_right'])}"
        yield f"checked fields wrong     {share(truth['checked_but_wrong'])}"
    for row in one["each"]:
        yield f"  {row['picture']}: {row['kind'] or 'no zone found'}, check digits {row['digits'] or '-'}"


def _liveness(one: Json) -> Iterator[str]:
    yield f"pictures of the living {one['living']}, of prints or screens {one['prints_or_screens']}"
    yield one["why"]
    challenge = one["challenge"]
    heads = challenge["bona_fide"]
    counts = f"{heads['shown']} shown, {heads['rejected']} rejected, {heads['undetermined']} undetermined"
    yield f"challenge, heads drawn from portraits: {counts}"
    for row in challenge["attacks"]:
        undetermined = row["undetermined"]
        yield f"  {row['species']}: {row['shown']} shown, {row['accepted']} accepted, {undetermined} undetermined"
    yield from (f"  {limit}" for limit in challenge["limits"])


WORDS: dict[str, Any] = {
    "faces": _faces,
    "clips": _clips,
    "voices": _voices,
    "head_poses": _poses,
    "documents": _documents,
    "liveness": _liveness,
}


def _skipped(rows: list[dict[str, str]]) -> Iterator[str]:
    if not rows:
        yield "no file was skipped"
        return
    yield f"skipped {len(rows)} files"
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        by_reason.setdefault(row["reason"], []).append(row["file"])
    counts = Counter({reason: len(files) for reason, files in by_reason.items()})
    for reason, count in counts.most_common():
        shown = ", ".join(by_reason[reason][:6]) + (f" and {count - 6} more" if count > 6 else "")
        yield f"  {reason}: {shown}"
