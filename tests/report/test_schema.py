# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""JSON: each object of each case is as doc/hctrace.schema.json has it, and it has every key."""
import json
import re
import subprocess

import jsonschema
import pytest

from reports import ROOT

SCHEMA = json.loads((ROOT / "doc/hctrace.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def complaints(instance):
    """What is wrong with INSTANCE, a line each."""
    for error in VALIDATOR.iter_errors(instance):
        for leaf in error.context or [error]:
            yield f"{instance['type']}: {leaf.json_path}: {leaf.message}"


def alternatives(schema):
    """SCHEMA and all that it refers to for the same value."""
    yield schema
    if "$ref" in schema:
        yield from alternatives(SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]])
    for word in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(word, ()):
            yield from alternatives(part)


def unknown_keys(value, schema, path):
    """Paths of the keys in VALUE that SCHEMA does not name."""
    schemas = list(alternatives(schema))
    if isinstance(value, list):
        items = next((s["items"] for s in schemas if "items" in s), {})
        for one in value:
            yield from unknown_keys(one, items, f"{path}[]")
    if isinstance(value, dict):
        known = {key: part for s in schemas for key, part in s.get("properties", {}).items()}
        rest = next((s["additionalProperties"] for s in schemas
                     if isinstance(s.get("additionalProperties"), dict)), None)
        for key, one in value.items():
            part = known.get(key, rest)
            if part is None:
                yield f"{path}.{key}"
            else:
                yield from unknown_keys(one, part, f"{path}.{key}")


def definition(instance):
    """The name in $defs of what INSTANCE is."""
    return "check_end" if instance["type"] == "end" and "summary" in instance else instance["type"]


def assert_fits(instances):
    found = [line for one in instances for line in complaints(one)]
    assert not found, "\n".join(found)
    new = {key for one in instances for key in
           unknown_keys(one, {"allOf": [{"properties": SCHEMA["properties"]},
                                        {"$ref": f"#/$defs/{definition(one)}"}]}, one["type"])}
    assert not new, f"keys that the schema does not have: {', '.join(sorted(new))}"


def test_schema_is_one():
    VALIDATOR.check_schema(SCHEMA)


def test_report(reports, case):
    objects = reports.objects(case)
    assert [o["type"] for o in objects].count("start") == 1
    assert objects[-1]["type"] == "end"
    assert_fits(objects)


def test_replay(reports, case):
    done = reports.run("replay", "--json", f"{case}.case")
    assert_fits([json.loads(line) for line in done.stdout.splitlines()])


def test_report_is_replay(reports, case):
    """The same objects, but for what only a report can know."""
    done = reports.run("replay", "--json", f"{case}.case")
    replayed = [json.loads(line) for line in done.stdout.splitlines()]
    assert [o for o in reports.objects(case) if o["type"] != "recording"] == replayed


def test_check(reports):
    """`hctrace check` of whatever this machine is."""
    done = reports.run("check", "--json")
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert objects, done
    assert_fits(objects)


def test_verdicts(reports):
    listed = reports.run("explain").stdout.decode()
    ids = re.findall(r"^\s{0,2}([a-z][a-z0-9-]*)\s", listed, re.M)
    assert SCHEMA["$defs"]["verdict"]["enum"] == ids


def test_points():
    header = (ROOT / "include/hct_points.h").read_text()
    assert SCHEMA["$defs"]["point"]["enum"] == re.findall(r'^\tX\(\w+, "([a-z-]+)"', header, re.M)


def test_codes(reports):
    """Every code that the catalogue has is one by the schema's pattern."""
    for verdict in SCHEMA["$defs"]["verdict"]["enum"]:
        text = reports.run("explain", verdict).stdout.decode()
        for code in re.findall(r"\b[A-Z]+_[A-Z_]+\b", text):
            assert re.search(SCHEMA["$defs"]["code"]["pattern"], code)


WHERE = {"layer": "netfilter", "backend": "nft", "hook": "INPUT", "family": "inet",
         "table": "guard", "chain": "c", "rule": 3, "handle": 7, "text": "tcp dport 80 drop",
         "confidence": "certain"}


@pytest.mark.parametrize("change, fits", [
    ({}, True),
    ({"rule": 0}, False),
    ({"handle": 0}, False),
    ({"rule": "3"}, False),
    ({"text": ""}, False),
    ({"policy": True}, False),  # a policy has neither number nor handle
    ({"policy": True, "rule": None, "handle": None}, True),
    ({"policy": False, "rule": None, "handle": None}, False),
    ({"confidence": "sure"}, False),
    ({"family": "ipv4"}, False),
], ids=str)
def test_rule(change, fits):
    """How a rule is named; None: the key is left out."""
    where = {key: value for key, value in {**WHERE, **change}.items() if value is not None}
    validator = VALIDATOR.evolve(schema={"$ref": "#/$defs/where", "$defs": SCHEMA["$defs"]})
    assert validator.is_valid(where) == fits


@pytest.mark.parametrize("change", [
    {"verdict": "bad-luck"}, {"outcome": "ok"}, {"time": "today"}, {"id": 0}, {"timeline": None},
    {"lb": {"addr": "100.125.10.5"}}, {"confidence": None}, {"why": ""}, {"type": "prob"},
    {"run": "1"}, {"schema": 1}, {"host": ""}, {"exchange": 0}, {"application": "magic"},
    {"fix_command": ""}, {"classified_by": "luck"},
], ids=str)
def test_schema_is_strict(reports, change):
    """What output must not become is refused."""
    probe = next(p for p in reports.probes("firewall-drop-nft"))
    assert VALIDATOR.is_valid(probe)
    assert not VALIDATOR.is_valid({**probe, **change})


def test_unknown_keys_are_allowed(reports):
    """What a later version adds does not break who validates."""
    probe = next(p for p in reports.probes("firewall-drop-nft"))
    assert VALIDATOR.is_valid({**probe, "new": {"deep": 1}, "where": {**probe["where"], "new": 1}})


@pytest.mark.parametrize("key", ["host", "run", "schema", "exchange", "fix_command", "classified_by"])
def test_key_is_needed(reports, key):
    probe = next(p for p in reports.probes("firewall-drop-nft"))
    assert not VALIDATOR.is_valid({k: v for k, v in probe.items() if k != key})


def test_points_news(reports):
    """A point that was lost and came back."""
    news = [o for o in reports.objects("points-lost") if o["type"] == "points"]
    assert [[m["point"] for m in o["missing"]] for o in news] == [["drop"], []]
    assert [p["point"] for p in news[1]["points"]] == ["drop"]
    assert_fits(news)


def test_recorded_identity(reports):
    """The host and the run of a recording are those of its objects, and of cases nobody's."""
    assert {(o["host"], o["run"]) for o in reports.objects("points-lost")} == {
        ("backend-1", "0123456789abcdef")}
    assert {(o["host"], o["run"]) for o in reports.objects("healthy-http")} == {(None, None)}


# Objects that need root, or a time to come, to be printed: as the live tests see them.
HEAD = {"host": "backend-1", "run": "0123456789abcdef", "schema": 2,
        "time": "2026-11-22T08:00:00.123456Z"}


@pytest.mark.parametrize("instance, fits", [
    ({"type": "recovered", "alias": "mended", "failed": 2, "failed_last": HEAD["time"],
      "changes": [{"state": "routes", "removed": "default via 192.168.0.1"}], "more": 0}, True),
    ({"type": "recovered", "alias": "mended", "failed": 0, "failed_last": None, "changes": None}, True),
    ({"type": "recovered", "failed": 0, "failed_last": None, "changes": None}, False),
    ({"type": "change", "id": 1, "what": "route", "before": "default via 192.168.0.1",
      "after": None, "by": {"pid": 1, "comm": "ip"}}, True),
    ({"type": "warning", "what": "conntrack", "why": "The table is nearly full."}, True),
    ({"type": "mended"}, False),
], ids=lambda value: value["type"] if isinstance(value, dict) else str(value))
def test_described(instance, fits):
    assert VALIDATOR.is_valid({**HEAD, **instance}) == fits


def test_json_tool(reports):
    """Python's own json.tool reads the lines, too: no NaN, no double keys."""
    for case in ("firewall-drop-nft", "healthy-http"):
        text = reports.file(case, "json").read_bytes()
        done = subprocess.run(["/usr/bin/python3", "-m", "json.tool", "--json-lines"], input=text,
                              capture_output=True, timeout=20)
        assert done.returncode == 0, done.stderr
        for line in text.splitlines():
            pairs = []
            json.loads(line, object_pairs_hook=pairs.append)
            for one in pairs:
                keys = [key for key, _ in one]
                assert len(keys) == len(set(keys)), keys
