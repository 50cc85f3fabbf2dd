// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Draws the charts and lists the probes of a report.  Without it the page
 * still has its root causes, targets and last failures.
 *
 * The data are what `hctrace report --format json` prints, plus sums over time
 * (html_data.c).  They come from a host and its network: they only ever become
 * text nodes and attributes, never markup.
 */
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const PAGE = 100; // rows at a time
const MARKS = { pass: "✓", fail: "✕", unknown: "?" };

// ---- elements ----

function fill(node, attributes, children) {
	for (const [key, value] of Object.entries(attributes || {}))
		if (value !== null && value !== undefined && value !== false)
			node.setAttribute(key, value === true ? "" : value);
	for (const child of children.flat())
		if (child !== null && child !== undefined)
			node.append(child);
	return node;
}
const el = (tag, attributes, ...children) =>
	fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
	fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

function button(text, onClick, attributes) {
	const node = el("button", { type: "button", ...attributes }, text);
	node.addEventListener("click", onClick);
	return node;
}

// ---- times ----

let local = false; // UTC, else the zone of the browser
const pad = (n, width = 2) => String(n).padStart(width, "0");

function parts(ms) {
	const d = new Date(ms);
	const at = local ? d : new Date(ms + d.getTimezoneOffset() * 60000);
	return {
		day: `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`,
		clock: `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`,
		short: `${pad(at.getHours())}:${pad(at.getMinutes())}`,
		midnight: at.getHours() === 0 && at.getMinutes() === 0,
		fraction: pad(d.getMilliseconds(), 3),
	};
}

const axis = {
	start: Date.parse(data.axis.start),
	end: Math.max(Date.parse(data.axis.end), Date.parse(data.axis.start) + 1),
	width: data.axis.width_us / 1000,
	n: data.axis.n,
};
const manyDays = () => parts(axis.start).day !== parts(axis.end).day;

function clock(ms, fraction) {
	const p = parts(ms);
	return (manyDays() ? p.day + " " : "") + p.clock + (fraction ? "." + p.fraction : "");
}

function span(us) {
	if (us < 10000)
		return (us / 1000).toFixed(us < 1000 ? 3 : 2) + " ms";
	if (us < 1e6)
		return (us / 1000).toFixed(us < 1e5 ? 1 : 0) + " ms";
	if (us < 6e7)
		return (us / 1e6).toFixed(us < 1e7 ? 2 : 1) + " s";
	const s = Math.floor(us / 1e6);
	return s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s` :
		`${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
}

const count = (n, singular, plural) =>
	`${n.toLocaleString("en")} ${n === 1 ? singular : plural || singular + "s"}`;

// ---- what a probe is called ----

function endpoint(e, any) {
	if (!e || !e.addr)
		return e && e.port ? `${any}:${e.port}` : any;
	const addr = e.port && e.addr.includes(":") ? `[${e.addr}]` : e.addr;
	return e.port ? `${addr}:${e.port}` : addr;
}
const targetOf = (o) => endpoint(o.target, "any target");
const nodeOf = (o) => (o.lb && o.lb.addr) || "any node";
const summaryOf = (verdict) => data.verdicts[verdict] || verdict;

function answerOf(p) {
	if (p.outcome !== "pass")
		return "";
	const http = p.http && p.http.status;
	const us = http ? p.timing.first_byte_us : p.timing.reply_us;
	if (us === null || us === undefined)
		return p.protocol === "udp" ? "not refused" : "ok";
	return (http ? p.http.status + " in " : "") + span(us);
}

function whereOf(p) {
	const w = p.where || {}, list = [];
	if (w.text)
		list.push(w.text);
	else if (w.policy)
		list.push(`policy of chain ${w.chain || "?"}`);
	else if (w.chain)
		list.push([w.backend, w.family, w.table, w.chain].filter(Boolean).join(" ") +
			  (w.rule ? ` rule ${w.rule}` : w.handle ? ` handle ${w.handle}` : ""));
	else if (w.layer)
		list.push([w.layer, w.device].filter(Boolean).join(" "));
	if (p.process)
		list.push(`${p.process.comm}[${p.process.pid}]`);
	return list.join(", ");
}

// ---- copying ----

const live = el("p", { role: "status", class: "skip" });
document.body.append(live);

async function copy(text, from) {
	try {
		await navigator.clipboard.writeText(text);
	} catch (error) { // no clipboard here, or not permitted: the old way
		const area = el("textarea", { readonly: true, "aria-hidden": "true" });
		area.value = text;
		from.after(area);
		area.select();
		document.execCommand("copy");
		area.remove();
		from.focus();
	}
	from.textContent = "Copied";
	live.textContent = "Copied";
	setTimeout(() => { from.textContent = "Copy"; live.textContent = ""; }, 1500);
}

/* To a command; advice is nothing to paste. */
function addCopy(fix) {
	const code = fix.querySelector("code");
	const node = button("Copy", () => copy(code.textContent, node), { "aria-label": "Copy the command" });
	fix.append(node);
}
