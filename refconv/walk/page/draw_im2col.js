"use strict";
// The im2col matrix of the group at hand, the filter's weights beside it and the outputs below:
// a row is a tap, a column is an output. Of a large matrix, the part around the current place.

const MOST_CELLS_OF_ALL = 600; // a matrix of no more is shown whole, where it
const MOST_COLUMNS_OF_ALL = 32; // has columns that a sheet of paper has room for
const [PART_ROWS, PART_COLUMNS] = [18, 16];

let matrixGrid = null;

function drawIm2col(scene) {
  const { stages, seen, separable } = scene;
  const { g, x, weight, y } = stages[seen.stage];
  const names = namesOf(separable, seen.stage);
  const [tap, column] = [(seen.cg * g.KH + seen.kh) * g.KW + seen.kw, seen.oh * g.OW + seen.ow];
  const positions = g.OH * g.OW;
  const whole = g.K * positions <= MOST_CELLS_OF_ALL && positions <= MOST_COLUMNS_OF_ALL;
  const rows = part(tap, g.K, whole ? g.K : PART_ROWS);
  const columns = part(column, positions, whole ? positions : PART_COLUMNS);
  const tapOf = (k) => ({
    cg: Math.floor(k / (g.KH * g.KW)),
    kh: Math.floor(k / g.KW) % g.KH,
    kw: k % g.KW,
  });
  const outputOf = (p) => ({ n: seen.n, f: seen.f, oh: Math.floor(p / g.OW), ow: p % g.OW });
  const cell = (k, p) => {
    const { c, h, w, onPad } = read(g, { ...outputOf(p), ...tapOf(k) });
    return { onPad, value: onPad ? 0 : x[((seen.n * g.C + c) * g.H + h) * g.W + w] };
  };
  matrixGrid ??= new Grid(byId("im2col"));
  matrixGrid.on.pick = (r, col) =>
    col > 0 &&
    pin({ stage: seen.stage, done: doneAt(g, outputOf(columns[col - 1]), tapOf(rows[r])) });
  const hiding = scene.predicting
    ? [scene.now.stage, scene.now.done, scene.revealed.has("y"), scene.revealed.has("taps")]
    : "";
  const key = JSON.stringify([
    scene.layer,
    separable,
    seen.stage,
    seen.n,
    seen.f,
    rows[0],
    columns[0],
    hiding,
  ]);
  const shown = whole
    ? ""
    : `; here rows ${rows[0]} to ${rows.at(-1)}, columns ${columns[0]} to ${columns.at(-1)}`;
  matrixGrid.show(key, () => ({
    label: `im2col matrix of group ${seen.group}`,
    caption:
      `Group ${seen.group}: matrix (K, OH·OW) = (${told(scene, "taps", g.K)}, ${positions})${shown}; ` +
      `a row for each tap (c kh,kw), a column for each output (oh,ow); filter f=${seen.f} beside it`,
    columns: [`f${seen.f}`, ...columns.map((p) => `${outputOf(p).oh},${outputOf(p).ow}`)],
    rows: rows.map((k) => {
      const t = tapOf(k);
      return `c${seen.group * g.Cg + t.cg} ${t.kh},${t.kw}`;
    }),
    cells: rows.map((k) => [
      { text: weight[seen.f * g.K + k] },
      ...columns.map((p) => ({ text: cell(k, p).value, data: k * positions + p })),
    ]),
    foot: {
      label: `${names.y}[${seen.n}, ${seen.f}]`,
      over: 2, // the tap's name and the filter
      texts: columns.map((p) => {
        const index = outputIndex(g, outputOf(p));
        return isHidden(scene, seen.stage, index) ? HIDDEN : y[index];
      }),
    },
  }));
  matrixGrid.paint((r, col) => {
    if (col === 0) return classes("filter", rows[r] === tap && "now");
    const [k, p] = [rows[r], columns[col - 1]];
    return classes(
      cell(k, p).onPad && "pad",
      p === column && "window",
      k === tap && "tap",
      p === column && k === tap && "now",
    );
  });
  byId("im2col")
    .querySelectorAll("tfoot td")
    .forEach((td, i) => {
      td.className = columns[i] === column ? "now" : "";
    });
  drawBlocks(scene, g, seen, names);
}

/** Of `all` indices, the `size` or fewer around `at`. */
function part(at, all, size) {
  const first = windowStart(at, size);
  return range(Math.min(size, all - first), first);
}

/** W · M = Y to scale: the weight's blocks, the matrix of each group, the outputs. */
function drawBlocks(scene, g, seen, names) {
  const K = told(scene, "taps", g.K);
  const taps = g.C * g.KH * g.KW;
  const positions = g.OH * g.OW;
  const [deep, high, wide] = [
    132,
    Math.max(28, Math.min(132, (132 * g.F) / Math.max(taps, g.F))),
    190,
  ];
  const [left, top, gap] = [4, 38, 34];
  const [step, aside] = [deep / g.G, top + (deep - high) / 2];
  const rect = (name, x0, y0, w, h, title) =>
    `<rect class="${name}" x="${x0}" y="${y0}" width="${w}" height="${h}"><title>${title}</title></rect>`;
  const groups = range(g.G).map((group) => {
    const here = group === seen.group ? " here" : "";
    return (
      rect(
        `weight${here}`,
        left + group * step,
        aside + (group * high) / g.G,
        step,
        high / g.G,
        `weight of group ${group}: ${g.Fg} × ${K}`,
      ) +
      rect(
        `input${here}`,
        left + deep + gap,
        top + group * step,
        wide,
        step,
        `im2col matrix of group ${group}: ${K} × ${positions}`,
      ) +
      rect(
        `output${here}`,
        left + deep + 2 * gap + wide,
        aside + (group * high) / g.G,
        wide,
        high / g.G,
        `outputs of group ${group}: ${g.Fg} × ${positions}`,
      )
    );
  });
  const row = seen.c * g.KH * g.KW + seen.kh * g.KW + seen.kw + 0.5;
  const column = seen.oh * g.OW + seen.ow + 0.5;
  const dot = (x0, y0) => `<circle class="dot" cx="${x0}" cy="${y0}" r="3.5"/>`;
  const heading = (x0, name, rows, columns) =>
    `<text x="${x0}" y="13">${name}</text><text x="${x0}" y="30">${g.G} × (${rows} × ${columns})</text>`;
  const middle = top + deep / 2;
  const ends = left + deep + gap;
  byId("blocks").innerHTML =
    `<svg viewBox="0 0 ${left * 2 + deep + 2 * gap + 2 * wide} ${top + deep + 6}"
      role="img" tabindex="0" aria-label="Weight blocks times im2col blocks give the outputs: ${g.G} of each">
    ${heading(left, "weight", g.Fg, K)}
    ${heading(ends, "im2col", K, positions)}
    ${heading(ends + wide + gap, names.y, g.Fg, positions)}
    <rect class="frame" x="${left}" y="${aside}" width="${deep}" height="${high}"/>
    ${groups.join("")}
    <text class="sign" x="${ends - gap / 2}" y="${middle}">·</text>
    <text class="sign" x="${ends + wide + gap / 2}" y="${middle}">=</text>
    ${dot(left + (row / taps) * deep, aside + ((seen.f + 0.5) / g.F) * high)}
    ${dot(ends + (column / positions) * wide, top + (row / taps) * deep)}
    ${dot(ends + wide + gap + (column / positions) * wide, aside + ((seen.f + 0.5) / g.F) * high)}
  </svg>`;
  const bytes = g.N * g.G * g.K * positions * BYTES;
  const stage = scene.separable ? `Stage ${seen.stage + 1}, ${kindOf(g)}. ` : "";
  byId("im2col-words").innerHTML =
    stage +
    (needsNoCopy(g)
      ? 'A 1×1 kernel with stride 1 and no padding: the matrix is the input itself, each channel a row. Nothing is copied: 0 bytes.'
      : `Each tap is a row and each output a column, ${g.G === 1 ? "all in one block" : `one block for each of ${g.G} groups`}. ` +
        `The copy takes ${told(scene, "taps", figure(bytes))} bytes; the input alone takes ${figure(g.N * g.C * g.H * g.W * BYTES)}.`);
}
