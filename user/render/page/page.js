// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Puts the page to work; comes last. */

function setZone() {
	for (const node of document.querySelectorAll("time"))
		node.textContent = clock(Date.parse(node.dateTime));
	byId("zone").textContent = local ? `All times are local (${Intl.DateTimeFormat().resolvedOptions().timeZone}).` : "All times are UTC.";
	byId("zone-button").textContent = local ? "Show UTC" : "Show local time";
}

function addCardButtons(card) {
	for (const fix of card.querySelectorAll(".fix.command"))
		addCopy(fix);
	const { target, verdict } = card.dataset;
	const result = verdict === "healthy" ? "note" : `verdict ${verdict}`;
	if (!probes.some((o) => o.target === target && (verdict === "healthy" ? o.p.note : o.p.verdict === verdict)))
		return;
	card.append(el("div", { class: "actions" }, button("Show its probes", () => {
		filters.set({ target, node: "", result, text: "", from: null, to: null });
		toProbes();
	})));
}

document.documentElement.classList.add("js");
byId("probes").hidden = false;
document.querySelector(".legend").hidden = !charts.length;
byId("zone-button").hidden = false;
byId("zone-button").addEventListener("click", () => {
	local = !local;
	setZone();
	drawAll();
	apply();
});
fillFilters();
drawAll();
document.querySelectorAll(".cause").forEach(addCardButtons);
byId("more").addEventListener("click", () => showMore().open.focus());
byId("help-button").addEventListener("click", () => byId("help").showModal());
document.addEventListener("keydown", onKey);

const PAPER = 720; // pixels on a sheet of A4
let widthDrawn = document.documentElement.clientWidth;
new ResizeObserver(() => {
	if (document.documentElement.clientWidth === widthDrawn)
		return;
	widthDrawn = document.documentElement.clientWidth;
	requestAnimationFrame(() => drawAll());
}).observe(document.documentElement);

let unfolded = [];
addEventListener("beforeprint", () => {
	unfolded = [...document.querySelectorAll("details.more:not([open])")];
	unfolded.forEach((d) => { d.open = true; });
	drawAll(PAPER);
});
addEventListener("afterprint", () => {
	unfolded.forEach((d) => { d.open = false; });
	drawAll();
});
