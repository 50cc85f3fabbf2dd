// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One probe in full. */

const BAD = /drop|reject|refus|fail|reset|timeout|unreach|error|full|invalid|denied|no route/i;

function timelineOf(p) {
	let before = 0;
	return el("ol", { class: "timeline", "aria-label": "Timeline" }, p.timeline.map((entry) => {
		const t = Math.max(entry.t_us || 0, 0), pause = t - before > 100000;
		const bad = p.outcome !== "pass" && BAD.test(entry.text || "");
		const repeats = entry.repeats ? entry.repeats === 1 ? " (twice)" : ` (${entry.repeats + 1} times)` : "";
		const inside = entry.netns ? ` [in ${entry.netns.name || "the container"}]` : "";
		before = t;
		return el("li", { class: [bad ? "bad" : "", pause ? "pause" : ""].join(" ").trim() || null },
			  el("span", { class: "at" }, `+${span(t)}`),
			  el("span", { class: "who" }, [entry.device, entry.point].filter(Boolean).join(" ")),
			  el("span", { class: bad ? "what bad-text" : "what" }, (entry.text || "") + inside + repeats));
	}), p.timeline_dropped ? el("li", null, `… and ${p.timeline_dropped} more, not kept`) : null);
}

const row = (name, value) =>
	value ? el("div", null, el("dt", null, name), el("dd", null, value)) : null;

/* Every field of an object, known to this page or not: "table filter, chain INPUT". */
function fieldsOf(o) {
	return Object.entries(o || {}).filter(([, value]) => value !== null && value !== false)
		.map(([key, value]) => value === true ? key : `${key.replaceAll("_", " ")} ${typeof value === "object" ? fieldsOf(value) : value}`)
		.join(", ");
}

function httpOf(p) {
	const http = p.http;
	if (!http || !(http.method || http.status))
		return null;
	return [http.method, http.path, http.host && `(host ${http.host})`, http.status && `→ ${http.status}`,
		http.location && `to ${http.location}`].filter(Boolean).join(" ");
}

function command(label, text) {
	const fix = el("div", { class: "fix command" }, el("span", { class: "label" }, label),
		       el("pre", null, el("code", null, text)));
	addCopy(fix);
	return fix;
}

/* Commands as they are pasted, and what is advice: the same words as on a cause's card. */
function fixesOf(p) {
	const advice = p.fix_advice && el("div", { class: "fix" },
		el("span", { class: "label" }, p.fix_command ? "Also" : "Fix"), el("p", null, p.fix_advice));
	return [p.fix_command && command("Run", p.fix_command), advice,
		p.show_command && command("Shown by", p.show_command),
		p.undo_command && command("Undo", p.undo_command)].filter(Boolean);
}

function detailOf(p) {
	const box = el("div", null);
	if (p.why && p.verdict !== "healthy")
		box.append(el("p", { class: "why" }, p.why));
	if (p.note)
		box.append(el("p", { class: "why" }, `Note: ${p.note}`));
	box.append(...fixesOf(p));
	box.append(el("dl", { class: "facts" },
		row("Verdict", [p.verdict, summaryOf(p.verdict), p.code, p.step && `step ${p.step}`, p.confidence].filter(Boolean).join(" · ")),
		row("Where", fieldsOf(p.where)),
		row("From", `${endpoint(p.lb, "any node")} to ${targetOf(p)}, ${p.protocol}`),
		row("HTTP", httpOf(p)),
		row("Process", p.process && `${p.process.comm}[${p.process.pid}]`),
		row("Namespace", p.netns && p.netns.name),
		row("Forwarded", p.forwarded && `to ${endpoint(p.forwarded, "")}${p.forwarded.device ? " by " + p.forwarded.device : ""}`),
		row("Took", p.timing.total_us !== null && span(p.timing.total_us)),
		p.user_request ? row("Kind", "a user's request, no check") : null));
	if (p.timeline.length)
		box.append(timelineOf(p));
	return box;
}
