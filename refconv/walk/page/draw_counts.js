"use strict";
// What the structure costs: the closed formula with its factors, the counter beside it, and the
// ratio to the standard layer as promised and as counted.

let lastTally = { key: "" };
let tallying = ""; // the key of the count that is under way

/**
 * The multiply-accumulates counted by running the loops. That takes longer than the rest of the page,
 * so of a new layer it is null at first; the count is made after the next frame, and drawn then.
 */
function talliedOf(stages) {
  const key = JSON.stringify(stages.map(({ g }) => g));
  if (lastTally.key === key) return lastTally;
  if (tallying !== key) {
    tallying = key;
    requestAnimationFrame(() => setTimeout(() => tallying === key && makeTally(key, stages)));
  }
  return null;
}

function makeTally(key, stages) {
  const each = stages.map(({ g }) => tally(g));
  const [macs, effective] = ["macs", "effective"].map((name) => sum(each.map((t) => t[name])));
  lastTally = { key, macs, effective };
  drawCounts(sceneOf());
}

function drawCounts(scene) {
  const { stages, now, separable } = scene;
  const geometries = stages.map(({ g }) => g);
  const counts = count(geometries);
  const counted = talliedOf(stages);
  for (const section of ["costs", "beside"]) {
    byId(section).setAttribute("aria-busy", String(counted === null));
  }
  const before = geometries.slice(0, now.stage);
  const done = now.done + sum(before.map(totalOf));
  const inside =
    effectiveAmong(geometries[now.stage], now.done) + (before.length ? count(before).effective : 0);
  byId("formula").innerHTML =
    stages.map(({ g }) => formulaOf(scene, g)).join("") +
    (separable
      ? `<p class="line">together <b>${told(scene, "macs", figure(counts.macs))}</b> MACs</p>`
      : "");
  const total = (text) => told(scene, "macs", text);
  const figures = [
    ["done", "MACs done, up to this step", `${figure(done)} of ${total(figure(counts.macs))}`],
    [
      "inside",
      "of these on data, not on padding",
      `${figure(inside)} of ${total(figure(counts.effective))}`,
    ],
    [
      "counted",
      "counted by running the loops",
      counted === null ? COUNTING : total(comparedWith(counted, counts)),
    ],
    [
      "parameters",
      "parameters (numbers of the weight)",
      told(scene, "parameters", figure(counts.parameters)),
    ],
    ["bytes", "memory, float32", `${told(scene, "parameters", figure(counts.bytes))} bytes`],
    [
      "im2colBytes",
      "im2col matrix, float32",
      `${told(scene, "taps", figure(counts.im2colBytes))} bytes`,
    ],
  ];
  byId("figures").innerHTML = figures
    .map(
      ([name, words, text]) =>
        `<div><dt>${words}</dt><dd data-figure="${name}">${text}</dd></div>`,
    )
    .join("");
  drawRatio(scene, counted);
}

/** N · F · OH·OW · Cg · KH·KW with its numbers, each factor in the colour of the array it belongs to. */
function formulaOf(scene, g) {
  const factors = [
    ["N", g.N, "output"],
    ["F", g.F, "output"],
    ["OH", g.OH, "output"],
    ["OW", g.OW, "output"],
    ["C/G", g.Cg, "input"],
    ["KH", g.KH, "weight"],
    ["KW", g.KW, "weight"],
  ];
  const parts = factors.map(
    ([letter, size, role]) =>
      `<span class="factor ${role}"><span class="letter">${letter}</span><span class="size">${size}</span></span>`,
  );
  const name = scene.separable ? `<span class="stage">${kindOf(g)}</span> ` : "";
  return `<p class="line">${name}${parts.join('<span class="times">·</span>')}
    <span class="times">=</span> <b>${told(scene, "macs", figure(totalOf(g)))}</b> MACs</p>`;
}

const COUNTING = "counting …";

function comparedWith(counted, { macs, effective }) {
  const equal = counted.macs === macs && counted.effective === effective;
  return `${figure(counted.macs)} MACs, ${figure(counted.effective)} on data: ${verdict(equal)}`;
}

/** A comparison's outcome, in a word and a colour. */
function verdict(equal) {
  return equal ? '<span class="equal">equal</span>' : '<span class="differs">NOT EQUAL</span>';
}

/** The counted ratio with its numbers, and whether it is the promised one. */
function ratioOf(scene, macs, standard, promised) {
  const quotient = [macs, standard].map((number) => told(scene, "macs", figure(number)));
  const ratio = fraction(macs, standard);
  const decimal = ratio.includes("/") ? ` = ${(macs / standard).toFixed(4)}` : "";
  const worked = `${quotient.join(" / ")} = <b data-figure="ratio">${ratio}</b>${decimal}`;
  return `${told(scene, "ratio", worked)}, ${verdict(ratio === promised)}.`;
}

function drawRatio(scene, counted) {
  const { layer, separable } = scene;
  const standard = count(stagesOf({ ...layer, G: 1 }, false));
  const { symbols, numbers, value } = promise(layer, separable);
  const summed = numbers === value ? "" : ` = <b>${value}</b>`;
  byId("ratio").innerHTML =
    `Promised: <b>${symbols}</b> = ${told(scene, "ratio", `${numbers}${summed}`)}. ` +
    `Counted: ${counted === null ? COUNTING : ratioOf(scene, counted.macs, standard.macs, value)}`;
  drawStructures(scene, standard);
}

/** The columns behind the structure's name, and the question that each of them answers. */
const COLUMNS = [
  ["MACs", "macs"],
  ["on data", "macs"],
  ["of standard", "ratio"],
  ["promised", "ratio"],
  ["parameters", "parameters"],
  ["memory, bytes", "parameters"],
  ["im2col, bytes", "taps"],
];

function drawStructures(scene, standard) {
  const { layer, separable, predicting } = scene;
  const rows = structuresOf(layer).map(({ name, G, separable: two, stages }) => {
    const c = count(stages);
    const here = two === separable && (two || G === layer.G);
    const cells = [
      figure(c.macs),
      figure(c.effective),
      fraction(c.macs, standard.macs),
      promise({ ...layer, G }, two).numbers,
      figure(c.parameters),
      figure(c.bytes),
      figure(c.im2colBytes),
    ];
    // What is revealed is told of this structure: the others are the next questions.
    const texts = cells.map((text, i) =>
      predicting && !here ? HIDDEN : told(scene, COLUMNS[i][1], text),
    );
    return { name, G, two, here, texts };
  });
  buildRows(rows);
  for (const [i, { here, texts }] of rows.entries()) {
    const row = byId("structures").tBodies[0].rows[i];
    row.className = here ? "here" : "";
    if (here) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
    texts.forEach((text, column) => {
      row.cells[column + 1].textContent = text;
    });
  }
}

let lastRows = "";

/** The table without its numbers; kept while it has the same structures, and the focus with it. */
function buildRows(rows) {
  const key = rows.map(({ name }) => name).join();
  if (key === lastRows) return;
  lastRows = key;
  const body = rows.map(
    ({ name, G, two }) =>
      `<tr data-structure="${name}">` +
      `<th scope="row"><button type="button" class="link" data-groups="${G}" data-two="${two}">` +
      `${name}</button></th>${"<td></td>".repeat(COLUMNS.length)}</tr>`,
  );
  byId("structures").innerHTML =
    `<caption>All structures of this layer</caption><thead><tr><th scope="col">structure</th>` +
    `${COLUMNS.map(([title]) => `<th scope="col">${title}</th>`).join("")}</tr></thead>` +
    `<tbody>${body.join("")}</tbody>`;
}

function buildStructures() {
  byId("structures").addEventListener("click", (event) => {
    const { groups, two } = event.target.closest("button")?.dataset ?? {};
    if (two === "true") relayer({ separable: true });
    else if (two) {
      relayer({
        separable: false,
        wantedG: Number(groups),
        layer: { ...state.layer, G: Number(groups) },
      });
    }
  });
}
