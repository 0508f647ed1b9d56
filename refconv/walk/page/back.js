"use strict";
// The question backwards: which outputs use this input, or this weight?
// An answer is an array like y (N, F, OH, OW): 1 where the output uses it, else 0.

/** The positions o of one axis whose window covers the cell `at`. */
function covering(at, kernel, stride, dilation, before, outputs) {
  const found = new Set();
  for (let k = 0; k < kernel; k++) {
    const reach = at + before - k * dilation;
    if (reach >= 0 && reach % stride === 0 && reach / stride < outputs) found.add(reach / stride);
  }
  return [...found];
}

function usersOfInput(g, index, lit = new Uint8Array(g.N * g.F * g.OH * g.OW)) {
  const w = index % g.W;
  const h = Math.floor(index / g.W) % g.H;
  const c = Math.floor(index / (g.W * g.H)) % g.C;
  const n = Math.floor(index / (g.W * g.H * g.C));
  const group = Math.floor(c / g.Cg);
  const columns = covering(w, g.KW, g.sw, g.dw, g.pl, g.OW);
  for (let f = group * g.Fg; f < (group + 1) * g.Fg; f++)
    for (const oh of covering(h, g.KH, g.sh, g.dh, g.pt, g.OH))
      for (const ow of columns) lit[((n * g.F + f) * g.OH + oh) * g.OW + ow] = 1;
  return lit;
}

function usersOfWeight(g, index) {
  const lit = new Uint8Array(g.N * g.F * g.OH * g.OW);
  const [f, plane] = [Math.floor(index / g.K), g.OH * g.OW];
  for (let n = 0; n < g.N; n++) {
    const first = (n * g.F + f) * plane;
    lit.fill(1, first, first + plane);
  }
  return lit;
}

/** By stage, the outputs that use a number: what uses a first stage's outputs uses it too. */
function usersOf(stages, { stage, array, index }) {
  const lit = stages.map(() => null);
  const ask = array === "weight" ? usersOfWeight : usersOfInput;
  lit[stage] = ask(stages[stage].g, index);
  for (let later = stage + 1; later < stages.length; later++) {
    const g = stages[later].g;
    lit[later] = new Uint8Array(g.N * g.F * g.OH * g.OW);
    lit[later - 1].forEach((uses, output) => uses && usersOfInput(g, output, lit[later]));
  }
  return lit;
}

const USES = "uses the number asked about";

/** Of so many equal parts of the outputs, which hold one that is used; without a question, none. */
function partsThatUse(outputs, parts) {
  if (outputs === null) return [];
  const size = outputs.length / parts;
  return range(parts).map((i) => outputs.subarray(i * size, (i + 1) * size).includes(1));
}
