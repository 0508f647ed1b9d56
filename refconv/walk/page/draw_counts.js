"use strict";
// What the structure costs: the closed formula with its factors, the counter beside it, and the
// ratio to the standard layer as promised and as counted.

let lastTally = { key: "" };

function tallyOnce(stages) {
  const key = JSON.stringify(stages.map(({ g }) => g));
  if (lastTally.key !== key) {
    const each = stages.map(({ g }) => tally(g));
    lastTally = {
      key,
      macs: sum(each.map((t) => t.macs)),
      effective: sum(each.map((t) => t.effective)),
    };
  }
  return lastTally;
}

function drawCounts(scene) {
  const { stages, now, separable } = scene;
  const geometries = stages.map(({ g }) => g);
  const counts = count(geometries);
  const counted = tallyOnce(stages);
  const before = geometries.slice(0, now.stage);
  const done = now.done + sum(before.map(totalOf));
  const inside =
    effectiveAmong(geometries[now.stage], now.done) + (before.length ? count(before).effective : 0);
  byId("formula").innerHTML =
    stages.map(({ g }, stage) => formulaOf(g, stage, separable)).join("") +
    (separable
      ? `<p class="line">together <b class="answer">${figure(counts.macs)}</b> MACs</p>`
      : "");
  const figures = [
    ["done", "MACs done, up to this step", `${figure(done)} of ${figure(counts.macs)}`],
    [
      "inside",
      "of these on data, not on padding",
      `${figure(inside)} of ${figure(counts.effective)}`,
    ],
    [
      "counted",
      "counted by running the loops",
      `${figure(counted.macs)} MACs, ${figure(counted.effective)} on data: ${verdict(
        counted.macs === counts.macs && counted.effective === counts.effective,
      )}`,
    ],
    ["parameters", "parameters (numbers of the weight)", figure(counts.parameters)],
    ["bytes", "memory, float32", `${figure(counts.bytes)} bytes`],
    ["im2colBytes", "im2col matrix, float32", `${figure(counts.im2colBytes)} bytes`],
  ];
  byId("figures").innerHTML = figures
    .map(
      ([name, words, text]) =>
        `<div><dt>${words}</dt><dd class="answer" data-figure="${name}">${text}</dd></div>`,
    )
    .join("");
  drawRatio(scene, counted);
}

/** N · F · OH·OW · Cg · KH·KW with its numbers, each factor in the colour of the array it belongs to. */
function formulaOf(g, stage, separable) {
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
  const name = separable ? `<span class="stage">${kindOf(g)}</span> ` : "";
  return `<p class="line">${name}${parts.join('<span class="times">·</span>')}
    <span class="times">=</span> <b class="answer">${figure(totalOf(g))}</b> MACs</p>`;
}

/** A comparison's outcome, in a word and a colour. */
function verdict(equal) {
  return equal ? '<span class="equal">equal</span>' : '<span class="differs">NOT EQUAL</span>';
}

function drawRatio({ layer, separable }, counted) {
  const standard = count(stagesOf({ ...layer, G: 1 }, false));
  const { symbols, numbers, value } = promise(layer, separable);
  const ratio = fraction(counted.macs, standard.macs);
  const summed = numbers === value ? "" : ` = <b class="answer">${value}</b>`;
  byId("ratio").innerHTML =
    `Promised: <b>${symbols}</b> = ${numbers}${summed}. ` +
    `Counted: <span class="answer">${figure(counted.macs)} / ${figure(standard.macs)} = ` +
    `<b data-figure="ratio">${ratio}</b> = ${(counted.macs / standard.macs).toFixed(4)}</span>, ` +
    `${verdict(ratio === value)}.`;
  drawStructures(layer, separable, standard);
}

const HEADINGS = [
  "structure",
  "MACs",
  "on data",
  "of standard",
  "promised",
  "parameters",
  "memory, bytes",
  "im2col, bytes",
];

function drawStructures(layer, separable, standard) {
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
    return (
      `<tr data-structure="${name}"${here ? ' class="here" aria-current="true"' : ""}>` +
      `<th scope="row"><button type="button" class="link" data-groups="${G}" data-two="${two}">` +
      `${name}</button></th>` +
      `${cells.map((text) => `<td class="answer">${text}</td>`).join("")}</tr>`
    );
  });
  byId("structures").innerHTML =
    `<caption>All structures of this layer</caption><thead><tr>` +
    `${HEADINGS.map((title) => `<th scope="col">${title}</th>`).join("")}</tr></thead>` +
    `<tbody>${rows.join("")}</tbody>`;
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
