// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The charts: state, probes and answer times of a target by one node. */

const HEALTHY = 2, UNHEALTHY = 4; // 1 << enum target_state
const BAND = 14, LANE = 10, LATENCY = 28, AXIS = 16, GAP = 3;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
	       86400, 172800, 604800].map((s) => s * 1000);

function stateText(bits) {
	if (bits & UNHEALTHY)
		return bits & HEALTHY ? "partly unhealthy" : "unhealthy";
	return bits & HEALTHY ? "healthy" : bits ? "not decided yet" : "no probe yet";
}

/* The series in columns of a width in which its marks can be told apart. */
function columnsOf(series, room) {
	const group = Math.max(1, Math.ceil(axis.n / Math.max(1, Math.floor(room / 8))));
	const columns = [];
	for (let i = 0; i < axis.n; i += group) {
		const from = axis.start + i * axis.width;
		columns.push({ from, to: Math.min(from + group * axis.width, axis.end), pass: 0, fail: 0,
			       unknown: 0, verdicts: new Set(), median: 0, p95: 0, max: 0, lost: 0, states: 0 });
	}
	const at = (i) => columns[Math.min(Math.floor(i / group), columns.length - 1)];
	for (const [i, pass, fail, unknown, verdict, median, p95, max] of series.buckets) {
		const c = at(i);
		c.median = pass + c.pass ? (c.median * c.pass + median * pass) / (c.pass + pass) : 0;
		c.p95 = Math.max(c.p95, p95);
		c.max = Math.max(c.max, max);
		c.pass += pass;
		c.fail += fail;
		c.unknown += unknown;
		if (verdict)
			c.verdicts.add(verdict);
	}
	for (let i = 0; i < axis.n; i++)
		at(i).states |= Number(series.states[i]);
	for (const [i, n] of data.axis.lost)
		at(i).lost += n;
	return columns;
}

function columnText(c) {
	const list = [];
	if (c.fail)
		list.push(`${c.fail} failed`);
	if (c.unknown)
		list.push(`${c.unknown} unknown`);
	if (c.verdicts.size)
		list[list.length - 1] += ` (${[...c.verdicts].join(", ")})`;
	if (c.pass)
		list.push(`${c.pass} passed`);
	if (!list.length)
		list.push("no probe");
	if (c.max)
		list.push(`answers: median about ${span(c.median)}, at most ${span(c.max)}`);
	if (c.lost)
		list.push(count(c.lost, "event") + " lost");
	return `${clock(c.from)} to ${clock(c.to)}: ${list.join(", ")}; ${stateText(c.states)}`;
}

/* Neighbours of the same state as [from, to, states]. */
function runsOf(columns) {
	const runs = [];
	for (const c of columns) {
		const last = runs[runs.length - 1];
		const states = c.states & (HEALTHY | UNHEALTHY) || c.states;
		if (last && last.states === states)
			last.to = c.to;
		else
			runs.push({ from: c.from, to: c.to, states });
	}
	return runs.filter((run) => run.states);
}

function hatch(x, y, width, height) {
	let path = "";
	for (let at = x + 6; at < x + width; at += 8)
		path += `M${at} ${y + height}L${Math.min(at + height, x + width)} ${y + height - Math.min(height, x + width - at)}`;
	return svg("path", { class: "hatch", d: path });
}

function drawBand(root, run, x, y) {
	const left = x(run.from), width = Math.max(1, x(run.to) - left);
	const bad = run.states & UNHEALTHY, good = run.states & HEALTHY;
	const half = bad && good ? BAND / 2 : 0;
	if (good)
		root.append(svg("rect", { class: "band healthy", x: left, y, width, height: half || BAND }));
	if (bad) {
		root.append(svg("rect", { class: "band unhealthy", x: left, y: y + half, width, height: BAND - half }));
		if (!half)
			root.append(hatch(left, y, width, BAND));
	}
	if (!good && !bad)
		root.append(svg("rect", { class: "band undecided", x: left + .5, y: y + .5,
					  width: Math.max(0, width - 1), height: BAND - 1 }));
	const word = bad ? "unhealthy" : "healthy";
	if ((bad || good) && !half && width > 64)
		root.append(svg("text", { class: `band-text ${word}`, x: left + 5, y: y + 10.5 }, word));
}

function drawLatency(root, columns, x, y, width) {
	const top = Math.max(...columns.map((c) => c.p95), 0);
	if (!top)
		return;
	const at = (us) => y + LATENCY - Math.min(us / top, 1) * (LATENCY - 2);
	let area = "", line = "", run = [];
	const flush = () => {
		if (run.length === 1)
			root.append(svg("circle", { class: "dot", cx: run[0].x, cy: run[0].median, r: 1.6 }));
		if (run.length > 1) {
			area += `M${run[0].x} ${y + LATENCY}` + run.map((p) => `L${p.x} ${p.p95}`).join("") +
				`L${run[run.length - 1].x} ${y + LATENCY}Z`;
			line += "M" + run.map((p) => `${p.x} ${p.median}`).join("L");
		}
		run = [];
	};
	// a line goes over a pause between two probes, not over one that is long for this chart
	let gap = 0;
	for (const c of columns) {
		if (c.max) {
			run.push({ x: (x(c.from) + x(c.to)) / 2, median: at(c.median), p95: at(c.p95) });
			gap = 0;
		} else if (c.fail || c.unknown || ++gap > 3) {
			flush();
		}
	}
	flush();
	root.append(svg("path", { class: "area", d: area }), svg("path", { class: "median", d: line }));
	root.append(svg("line", { class: "grid", x1: 0, x2: width, y1: y + LATENCY, y2: y + LATENCY }));
	root.append(svg("text", { class: "scale-text", x: width + 4, y: y + 9 }, span(top)));
}

function drawAxis(root, x, y, width) {
	const most = Math.max(2, Math.floor(width / 90));
	const step = STEPS.find((s) => (axis.end - axis.start) / s <= most) || STEPS[STEPS.length - 1];
	const zone = local ? new Date(axis.start).getTimezoneOffset() * 60000 : 0;
	for (let at = Math.ceil((axis.start - zone) / step) * step + zone; at <= axis.end; at += step) {
		const p = parts(at), left = x(at);
		const text = step >= 86400000 || (p.midnight && manyDays()) ? p.day.slice(5) :
			step < 60000 ? p.clock : p.short;
		root.append(svg("line", { class: "grid", x1: left, x2: left, y1: 0, y2: y + 3 }));
		if (left < width - 10)
			root.append(svg("text", { class: "axis-text", y: y + 13, x: Math.max(left, 0),
						  "text-anchor": left < 20 ? "start" : "middle" }, text));
	}
}

function mark(c, x, y, doubt) {
	const list = [], middle = (x(c.from) + x(c.to)) / 2, r = LANE / 2 - 1.5;
	if (c.fail)
		list.push(svg("path", { class: "cross", d: `M${middle - r} ${y + 1.5}l${2 * r} ${2 * r}m${-2 * r} 0l${2 * r} ${-2 * r}` }));
	y += LANE;
	if (c.unknown)
		list.push(svg("path", { class: "diamond", d: `M${middle} ${y + 1}l${r} ${r}l${-r} ${r}l${-r} ${-r}Z` }));
	y += doubt ? LANE : 0;
	if (c.pass)
		list.push(svg("path", { class: "tick", d: `M${middle} ${y + 1}v${LANE - 3}` }));
	return list;
}

function chartText(series, columns) {
	const bad = columns.filter((c) => c.fail).length;
	const states = runsOf(columns).map((run) => `${stateText(run.states)} from ${clock(run.from)}`);
	const shown = states.length > 6 ? [...states.slice(0, 6), `and ${states.length - 6} more changes`] : states;
	return `${targetOf(series.target)} by node ${nodeOf(series.target)}: ${shown.join(", ")}. ` +
		(bad ? `Failures in ${bad} of ${columns.length} spans of time.` : "No failures.");
}

class Chart {
	constructor(place, series) {
		this.place = place;
		this.series = series;
		this.at = -1;
		this.box = el("div", { class: "plot", role: "slider", tabindex: "0", "aria-orientation": "horizontal" });
		this.readout = el("p", { class: "readout" });
		place.append(this.box, el("div", { class: "below" }, this.readout, this.changes()));
		this.box.addEventListener("pointermove", (e) => this.point(this.columnAt(e)));
		this.box.addEventListener("pointerleave", () => {
			if (document.activeElement !== this.box)
				this.point(-1);
		});
		this.box.addEventListener("blur", () => this.point(-1));
		this.box.addEventListener("click", (e) => this.choose(this.columnAt(e)));
		this.box.addEventListener("keydown", (e) => this.key(e));
	}

	changes() {
		const list = this.series.changes;
		if (!list.length)
			return null;
		const items = list.map(([when, state]) =>
			el("li", null, el("time", { datetime: when }, clock(Date.parse(when))), ` ${state}`));
		const before = this.series.changes_before;
		return el("details", { class: "changes" },
			  el("summary", null, count(list.length + before, "change") + " of state"),
			  before ? el("p", null, `The latest ${list.length}:`) : null,
			  el("ol", null, items));
	}

	/* To the width that there is, or to that of paper. */
	draw(paper) {
		const full = paper || Math.max(240, Math.floor(this.place.clientWidth)), width = full - 58;
		const x = (ms) => Math.min(width, Math.max(0, (ms - axis.start) / (axis.end - axis.start) * width));
		const columns = columnsOf(this.series, width);
		const doubt = columns.some((c) => c.unknown); // else there is no lane for it
		const lanes = BAND + GAP, latency = lanes + (doubt ? 3 : 2) * LANE + GAP, bottom = latency + LATENCY;
		const root = svg("svg", { viewBox: `0 0 ${full} ${bottom + AXIS}`, "aria-hidden": "true", focusable: "false" });
		this.x = x;
		this.full = full;
		this.columns = columns;
		drawAxis(root, x, bottom, width);
		for (const run of runsOf(this.columns))
			drawBand(root, run, x, 0);
		for (const silence of data.silences) {
			if (silence.target !== targetOf(this.series.target))
				continue;
			const from = Date.parse(silence.from), y = latency - GAP - LANE / 2;
			const next = columns.find((c) => c.from > from && (c.pass || c.fail || c.unknown));
			root.append(svg("path", { class: "silence", d: `M${x(from) + 4} ${y}H${x(next ? next.from : axis.end)}` }));
		}
		for (const c of this.columns) {
			root.append(...mark(c, x, lanes, doubt));
			if (c.lost)
				root.append(svg("path", { class: "lost", d: `M${x(c.from)} ${bottom + 7}l4 -7l4 7Z` }));
		}
		drawLatency(root, this.columns, x, latency, width);
		this.cursor = svg("rect", { class: "cursor", y: 0, height: bottom, width: 0 });
		root.append(this.cursor);
		this.box.replaceChildren(root);
		this.box.setAttribute("aria-label", chartText(this.series, this.columns));
		this.box.setAttribute("aria-valuemin", "0");
		this.box.setAttribute("aria-valuemax", String(this.columns.length - 1));
		this.point(Math.min(this.at, this.columns.length - 1));
	}

	columnAt(e) {
		const place = this.box.getBoundingClientRect();
		const at = (e.clientX - place.left) / place.width * this.full;
		return this.columns.findIndex((c) => at >= this.x(c.from) && at <= this.x(c.to));
	}

	point(at) {
		const c = this.columns[at];
		this.at = at;
		this.box.setAttribute("aria-valuenow", String(Math.max(at, 0)));
		this.box.setAttribute("aria-valuetext", columnText(c || this.columns[0]));
		this.readout.textContent = c ? columnText(c) : "";
		this.cursor.setAttribute("x", c ? this.x(c.from) : 0);
		this.cursor.setAttribute("width", c ? Math.max(2, this.x(c.to) - this.x(c.from)) : 0);
	}

	choose(at) {
		const c = this.columns[at];
		if (!c)
			return;
		filters.set({ target: targetOf(this.series.target), node: nodeOf(this.series.target),
			      result: "", text: "", from: c.from, to: c.to });
		toProbes();
	}

	key(e) {
		const last = this.columns.length - 1, at = this.at;
		const next = { ArrowRight: Math.min(at + 1, last), ArrowLeft: Math.max(at - 1, 0), Home: 0,
			       End: last, PageDown: Math.min(at + 10, last), PageUp: Math.max(at - 10, 0) }[e.key];
		if (next !== undefined) {
			this.point(next);
		} else if (e.key === "Enter" || e.key === " ") {
			this.choose(at);
		} else {
			return;
		}
		e.preventDefault();
		e.stopPropagation();
	}
}

const charts = [...document.querySelectorAll(".chart")].map((place) =>
	new Chart(place, data.series[Number(place.dataset.series)]));
const drawAll = (paper) => charts.forEach((chart) => chart.draw(paper));
