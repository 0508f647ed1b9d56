"use strict";
// What a convolution costs: by formula, and by walking through the loops and counting.

const BYTES = 4; // of a float32, the type that memory is told for

/** Along one axis, for each output: the kernel cells that fall inside the data. */
function tapsInside(size, kernel, stride, dilation, before, outputs) {
  return Array.from({ length: outputs }, (_, o) => {
    let inside = 0;
    for (let k = 0; k < kernel; k++) {
      const at = o * stride + k * dilation - before;
      inside += at >= 0 && at < size;
    }
    return inside;
  });
}

const rowsInside = (g) => tapsInside(g.H, g.KH, g.sh, g.dh, g.pt, g.OH);
const columnsInside = (g) => tapsInside(g.W, g.KW, g.sw, g.dw, g.pl, g.OW);
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** The closed forms of a structure, all its stages together. Memory is in bytes of float32. */
function count(stages) {
  const add = (figure) => sum(stages.map(figure));
  const elements = add((g) => g.N * g.C * g.H * g.W + g.F * g.K + g.N * g.F * g.OH * g.OW);
  return {
    macs: add((g) => g.N * g.F * g.OH * g.OW * g.K),
    effective: add((g) => g.N * g.F * g.Cg * sum(rowsInside(g)) * sum(columnsInside(g))),
    parameters: add((g) => g.F * g.K),
    bytes: elements * BYTES,
    im2colBytes: Math.max(
      ...stages.map((g) => (needsNoCopy(g) ? 0 : g.N * g.G * g.K * g.OH * g.OW * BYTES)),
    ),
  };
}

/** The multiply-accumulates of a stage, counted one by one; those on padding cells apart. */
function tally({ N, F, OH, OW, Cg, KH, KW, H, W, sh, sw, dh, dw, pt, pl }) {
  let [macs, effective] = [0, 0];
  for (let n = 0; n < N; n++)
    for (let f = 0; f < F; f++)
      for (let oh = 0; oh < OH; oh++)
        for (let ow = 0; ow < OW; ow++)
          for (let cg = 0; cg < Cg; cg++)
            for (let kh = 0; kh < KH; kh++) {
              const h = oh * sh - pt + kh * dh;
              for (let kw = 0; kw < KW; kw++) {
                const w = ow * sw - pl + kw * dw;
                macs += 1;
                if (h >= 0 && h < H && w >= 0 && w < W) effective += 1;
              }
            }
  return { macs, effective };
}

/** Of a stage's first `done` multiply-accumulates, those inside the data. */
function effectiveAmong(g, done) {
  const { KH, KW, OW, Cg, K } = g;
  const [rows, columns] = [rowsInside(g), columnsInside(g)];
  const [positions, cells] = [g.OH * OW, Math.floor(done / K)];
  const ofCells = (some) => {
    let inside = 0;
    for (let p = 0; p < some; p++) inside += Cg * rows[Math.floor(p / OW)] * columns[p % OW];
    return inside;
  };
  let inside = Math.floor(cells / positions) * ofCells(positions) + ofCells(cells % positions);
  const [oh, ow] = [Math.floor((cells % positions) / OW), cells % OW];
  for (let tap = 0; tap < done % K; tap++) {
    const h = oh * g.sh - g.pt + (Math.floor(tap / KW) % KH) * g.dh;
    const w = ow * g.sw - g.pl + (tap % KW) * g.dw;
    inside += h >= 0 && h < g.H && w >= 0 && w < g.W;
  }
  return inside;
}

function fraction(over, under) {
  let [a, b] = [over, under];
  while (b) [a, b] = [b, a % b];
  return under === a ? String(over / a) : `${over / a}/${under / a}`;
}

/** The ratio of MACs to the standard layer's that the papers promise, with its numbers. */
function promise({ F, KH, KW, G }, separable) {
  const taps = KH * KW;
  return separable
    ? {
        symbols: "1/F + 1/(KH·KW)",
        numbers: `${fraction(1, F)} + ${fraction(1, taps)}`,
        value: fraction(F + taps, F * taps),
      }
    : { symbols: "1/G", numbers: fraction(1, G), value: fraction(1, G) };
}
