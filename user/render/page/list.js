// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The list of probes, its filters and its keys. */

const probes = data.probes.map((p, number) => ({ p, number, ms: Date.parse(p.time), target: targetOf(p), node: nodeOf(p) })).reverse();
const body = document.querySelector("#table tbody");
let chosen = []; // the probes that the filters let through
let shown = 0; // how many of them have a row
let current = null; // the row that Tab leads to

const haystack = (o) => o.text || (o.text = JSON.stringify(o.p).toLowerCase());

const filters = {
	target: "", node: "", result: "", text: "", from: null, to: null,

	set(values) {
		Object.assign(this, values);
		for (const key of ["target", "node", "result", "text"]) {
			const field = byId(`filter-${key}`);
			field.value = this[key];
			if (field.value !== this[key]) { // not among the options
				field.value = "";
				this[key] = "";
			}
		}
		apply();
	},
	lets(o) {
		const { p } = o;
		if ((this.target && o.target !== this.target) || (this.node && o.node !== this.node))
			return false;
		if (this.from !== null && (o.ms < this.from || o.ms > this.to))
			return false;
		if (this.result === "bad" && p.outcome === "pass")
			return false;
		if (this.result === "note" && !p.note)
			return false;
		if (["pass", "fail", "unknown"].includes(this.result) && p.outcome !== this.result)
			return false;
		if (this.result.startsWith("verdict ") && p.verdict !== this.result.slice(8))
			return false;
		return this.text.toLowerCase().split(/\s+/).every((word) => !word || haystack(o).includes(word));
	},
};

function rowOf(o) {
	const { p } = o, id = `probe-${o.number}`;
	const open = button(clock(o.ms, true), () => toggle(line), {
		class: "open", "aria-expanded": "false", "aria-controls": `${id}-detail`, tabindex: "-1",
		"aria-label": `${clock(o.ms, true)}, ${p.outcome}: ${p.verdict}, ${o.target} by ${o.node}`,
	});
	const line = el("tr", { class: "probe", id, role: "row" },
		el("td", { role: "cell" }, open),
		el("td", { role: "cell" }, el("span", { class: `mark ${p.outcome}`, "aria-hidden": "true" }, MARKS[p.outcome]), " ",
		   el("span", { class: `result ${p.outcome}` }, p.verdict),
		   p.note ? el("span", { class: "code" }, " but see its note") : null,
		   p.code && p.outcome !== "pass" ? el("span", { class: "code" }, ` ${p.code}`) : null),
		el("td", { role: "cell" }, `${o.target} `, el("span", { class: "code" }, p.protocol)),
		el("td", { role: "cell" }, o.node),
		el("td", { role: "cell" }, answerOf(p) || null),
		el("td", { role: "cell" }, whereOf(p) || null));
	line.probe = o;
	line.open = open;
	open.addEventListener("focus", () => makeCurrent(line));
	line.addEventListener("click", (e) => {
		if (!e.target.closest("button") && !String(getSelection()))
			toggle(line);
	});
	return line;
}

function makeCurrent(line) {
	if (current)
		current.open.tabIndex = -1;
	current = line;
	line.open.tabIndex = 0;
}

function close(line) {
	line.open.setAttribute("aria-expanded", "false");
	line.classList.remove("is-open");
	line.detail.remove();
	line.detail = null;
}

function toggle(line) {
	if (line.detail) {
		close(line);
		return;
	}
	line.detail = el("tr", { class: "detail", id: `${line.id}-detail`, role: "row" },
			 el("td", { colspan: "6", role: "cell" }, detailOf(line.probe.p)));
	line.open.setAttribute("aria-expanded", "true");
	line.classList.add("is-open");
	line.after(line.detail);
	makeCurrent(line);
}

function showMore() {
	const next = chosen.slice(shown, shown + PAGE).map(rowOf);
	body.append(...next);
	shown += next.length;
	byId("more").hidden = shown >= chosen.length;
	byId("more").textContent = `Show ${Math.min(PAGE, chosen.length - shown)} more`;
	byId("shown").textContent = chosen.length ? `${chosen.length.toLocaleString("en")} of the ${count(probes.length, "listed probe")}` +
		(shown < chosen.length ? `, ${shown} shown` : "") : "No probe is like that.";
	return next[0];
}

function showTimeChip() {
	const old = byId("filter-time");
	if (old)
		old.remove();
	if (filters.from === null)
		return;
	byId("filter-clear").before(button(`${clock(filters.from)} to ${clock(filters.to)} ✕`,
		() => filters.set({ from: null, to: null }),
		{ id: "filter-time", class: "chip", "aria-label": "Any time" }));
}

function apply() {
	chosen = probes.filter((o) => filters.lets(o));
	shown = 0;
	current = null;
	body.replaceChildren();
	const first = showMore();
	if (first)
		makeCurrent(first);
	showTimeChip();
}

function toProbes() {
	byId("probes").scrollIntoView();
	if (current)
		current.open.focus({ preventScroll: true });
}

function option(select, value, text) {
	select.append(el("option", { value }, text));
}

function fillFilters() {
	const tally = (key) => {
		const counts = new Map();
		for (const o of probes)
			counts.set(key(o), (counts.get(key(o)) || 0) + 1);
		return [...counts].sort((a, b) => a[0].localeCompare(b[0], "en", { numeric: true }));
	};
	const target = byId("filter-target"), node = byId("filter-node"), result = byId("filter-result");
	const bad = probes.filter((o) => o.p.outcome !== "pass").length;
	option(target, "", "All targets");
	for (const [name, n] of tally((o) => o.target))
		option(target, name, `${name} (${n})`);
	option(node, "", "All nodes");
	for (const [name, n] of tally((o) => o.node))
		option(node, name, `${name} (${n})`);
	option(result, "", `All (${probes.length})`);
	option(result, "bad", `Not passed (${bad})`);
	for (const [outcome, word] of [["fail", "Failed"], ["unknown", "Unknown"], ["pass", "Passed"]])
		option(result, outcome, `${word} (${probes.filter((o) => o.p.outcome === outcome).length})`);
	const noted = probes.filter((o) => o.p.note).length;
	if (noted)
		option(result, "note", `With a note (${noted})`);
	for (const [verdict, n] of tally((o) => o.p.verdict))
		option(result, `verdict ${verdict}`, `${verdict} (${n})`);
	for (const key of ["target", "node", "result"])
		byId(`filter-${key}`).addEventListener("change", (e) => filters.set({ [key]: e.target.value }));
	let timer = 0;
	byId("filter-text").addEventListener("input", (e) => {
		clearTimeout(timer);
		timer = setTimeout(() => { filters.text = e.target.value; apply(); }, 120);
	});
	byId("filters").addEventListener("submit", (e) => e.preventDefault());
	byId("filter-clear").addEventListener("click", () =>
		filters.set({ target: "", node: "", result: "", text: "", from: null, to: null }));
	filters.set({ result: bad ? "bad" : "" });
}

// ---- keys ----

const lineFrom = (line, step) => {
	for (line = line[step]; line && !line.open; line = line[step])
		;
	return line;
};

function move(key) {
	let line = current;
	if (!line)
		return;
	if (key === "Home")
		line = body.firstElementChild;
	else if (key === "End")
		line = body.lastElementChild.open ? body.lastElementChild : lineFrom(body.lastElementChild, "previousElementSibling");
	else if (body.contains(document.activeElement)) // else to the current one first
		line = lineFrom(line, key === "k" || key === "ArrowUp" ? "previousElementSibling" : "nextElementSibling");
	if (!line && (key === "j" || key === "ArrowDown") && !byId("more").hidden)
		line = showMore();
	if (line) {
		line.open.focus({ preventScroll: true });
		line.scrollIntoView({ block: "nearest" });
	}
}

function onKey(e) {
	const help = byId("help"), typing = e.target.closest("input, select, textarea");
	if (e.ctrlKey || e.altKey || e.metaKey || help.open)
		return;
	if (e.key === "Escape") {
		if (typing && current)
			current.open.focus();
		else if (current && current.detail)
			toggle(current);
		else
			[...body.querySelectorAll(".probe.is-open")].forEach(close);
		return;
	}
	if (typing)
		return;
	const arrow = ["ArrowDown", "ArrowUp", "Home", "End"].includes(e.key) && body.contains(e.target);
	if (e.key === "?")
		help.showModal();
	else if (e.key === "/")
		byId("filter-text").focus();
	else if (e.key === "j" || e.key === "k" || arrow)
		move(e.key);
	else
		return;
	e.preventDefault();
}
