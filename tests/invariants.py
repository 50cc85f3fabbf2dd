# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""No verdict against its own timeline: what must hold for any probe, whatever its case.

violations(probes) is applied to every run of the live tests (harness.py) and to every replayed
case (run-invariants).
"""
ARRIVALS = ("tc-ingress", "receive", "xdp")
DEPARTURES = ("tc-egress", "transmit")
# Trouble that an entry tells of, and words of a note that explain it
TROUBLES = {
    "drop": ("drop", "discard", "queue", "refus", "unreachable", "wrapper", "hosts."),
    "reset": ("reset", "refus", "clos", "end", "queue", "only connect"),
    "retransmission": ("again", "retransmi", "lost", "through", "queue"),
}
# Words of a cause by which an answer was not all that the load balancer wanted in time
INCOMPLETE = ("body bytes", "complete its head", "bytes, which", "too late", "before its end",
              "would fail")


def trouble_of(entry):
    """Which of TROUBLES the timeline's ENTRY tells of; None: of none."""
    point, text = entry["point"], entry["text"]
    if point == "drop":
        # The end of a connection that is closed already, or a copy that arrived: TCP's daily life
        return None if text.startswith(("RST ", "FIN ")) else "drop"
    if point == "reset-sent" or (point in DEPARTURES and "RST" in text.split(", ")):
        return "reset"
    if point in ("retransmit", "retransmit-synack"):
        return "retransmission"
    return None


def last_arrival(timeline):
    """When something of the load balancer's came last, in microseconds; None: never."""
    return max((e["t_us"] for e in timeline if e["point"] in ARRIVALS), default=None)


def unexplained(probe):
    """Troubles of a certain pass behind which nothing of the load balancer's came, in words."""
    if probe["verdict"] != "healthy":  # the verdict itself is about the trouble
        return
    timeline, note = probe["timeline"], (probe.get("note") or "").lower()
    tcp = probe["protocol"] in ("tcp", "http", "https")
    if tcp:
        settled = last_arrival(timeline)
    else:  # nothing acknowledges a datagram: there the reply's departure counts
        settled = max((e["t_us"] for e in timeline if e["point"] in DEPARTURES), default=None)
    for entry in timeline:
        trouble = trouble_of(entry)
        if not trouble or (settled is not None and settled >= entry["t_us"]):
            continue
        if not any(word in note for word in TROUBLES[trouble]):
            yield (f"passed for certain, but after \"{entry['text']}\" (+{entry['t_us']} us)"
                   " nothing came of the load balancer, and no note explains it")


def is_expected(status, expected):
    """Is STATUS among EXPECTED: "200", "200-399"?"""
    for one in expected:
        first, _, last = str(one).partition("-")
        if int(first) <= status <= int(last or first):
            return True
    return False


def acknowledged_answer(probe, expected):
    """A certain failure whose expected answer came whole and was acknowledged, in words."""
    status = (probe.get("http") or {}).get("status")
    if not status or not expected or not is_expected(status, expected):
        return
    if any(word in probe["why"] for word in INCOMPLETE):
        return
    timeline = probe["timeline"]
    answers = [e["t_us"] for e in timeline if e["point"] in DEPARTURES
               and ("answer" in e["text"] or "HTTP status" in e["text"])]
    acks = [e["t_us"] for e in timeline if e["point"] in ARRIVALS
            and e["text"].startswith("ACK of the answer so far")]
    if not answers or not acks or max(acks) < max(answers):
        return
    # sent again since then: there was more of it, of which no segment was told
    if not any(trouble_of(e) for e in timeline if e["t_us"] > max(acks)):
        yield (f"failed for certain ({probe['verdict']}), but status {status} is expected, and"
               " the load balancer acknowledged the answer")


def violations(objects):
    """What is wrong with OBJECTS, the lines of a run's JSON, in words: (probe's id, words)."""
    expected = ()
    for one in objects:
        if one["type"] == "start":
            expected = (one.get("check") or {}).get("expect_codes") or ()
        if one["type"] != "probe" or one["confidence"] != "certain" or not one.get("timeline"):
            continue
        found = (unexplained(one) if one["outcome"] == "pass" else
                 acknowledged_answer(one, expected) if one["outcome"] == "fail" else ())
        yield from ((one["id"], words) for words in found)
