"use strict";
// Where we are in the seven loops. A place is a stage with the indices of one multiply-accumulate;
// `done` counts the stage's multiply-accumulates up to and with that one, in the loops' order.

/** The place after `done` multiply-accumulates of a stage, 1 or more. */
function placeAfter(stages, stage, done) {
  const g = stages[stage].g;
  let rest = done - 1;
  const digit = (size) => {
    const index = rest % size;
    rest = Math.floor(rest / size);
    return index;
  };
  const [kw, kh, cg, ow, oh, f] = [g.KW, g.KH, g.Cg, g.OW, g.OH, g.F].map(digit);
  return { stage, done, n: rest, f, oh, ow, cg, kh, kw, ...read(g, { f, oh, ow, cg, kh, kw }) };
}

/** What a multiply-accumulate reads: group, input channel, row, column, and whether it is a pad. */
function read(g, { f, oh, ow, cg, kh, kw }) {
  const group = Math.floor(f / g.Fg);
  const h = oh * g.sh - g.pt + kh * g.dh;
  const w = ow * g.sw - g.pl + kw * g.dw;
  const onPad = h < 0 || h >= g.H || w < 0 || w >= g.W;
  return { group, c: group * g.Cg + cg, h, w, onPad };
}

/** `done` at a tap of an output; left out, at the last tap, where the output is complete. */
function doneAt(
  g,
  { n, f, oh, ow },
  { cg, kh, kw } = { cg: g.Cg - 1, kh: g.KH - 1, kw: g.KW - 1 },
) {
  const output = ((n * g.F + f) * g.OH + oh) * g.OW + ow;
  return output * g.K + (cg * g.KH + kh) * g.KW + kw + 1;
}

function totalOf(g) {
  return g.N * g.F * g.OH * g.OW * g.K;
}

/** Multiply-accumulates in one step of each length. */
function lengthOf(g, unit) {
  return { mac: 1, input: g.KH * g.KW, output: g.K, channel: g.K * g.OH * g.OW }[unit];
}

/** One step on or back, to the end of a unit; across the stages. Stays at the first and last. */
function stepped(stages, { stage, done }, unit, direction) {
  const g = stages[stage].g;
  const length = lengthOf(g, unit);
  if (direction > 0) {
    if (done < totalOf(g)) return { stage, done: (Math.floor(done / length) + 1) * length };
    if (stage + 1 === stages.length) return { stage, done };
    return { stage: stage + 1, done: lengthOf(stages[stage + 1].g, unit) };
  }
  const back = (Math.ceil(done / length) - 1) * length;
  if (back > 0) return { stage, done: back };
  if (stage > 0) return { stage: stage - 1, done: totalOf(stages[stage - 1].g) };
  return { stage, done: 1 };
}

/** x, weight and product of a place, and the output's sum up to it. */
function numbersAt({ g, x, weight }, place) {
  const tapOf = (p) => ((p.f * g.Cg + p.cg) * g.KH + p.kh) * g.KW + p.kw;
  const inputOf = (p) => (p.onPad ? 0 : x[((p.n * g.C + p.c) * g.H + p.h) * g.W + p.w]);
  const terms = [];
  for (let cg = 0; cg <= place.cg; cg++)
    for (let kh = 0; kh < g.KH; kh++)
      for (let kw = 0; kw < g.KW; kw++) {
        const p = { ...place, cg, kh, kw };
        Object.assign(p, read(g, p));
        terms.push({ cg, kh, kw, x: inputOf(p), weight: weight[tapOf(p)], onPad: p.onPad });
      }
  const now = (place.cg * g.KH + place.kh) * g.KW + place.kw;
  const upTo = (end) => sum(terms.slice(0, end).map((t) => t.x * t.weight));
  const channel = place.cg * g.KH * g.KW;
  return { ...terms[now], before: upTo(channel), sum: upTo(now + 1), terms: terms.slice(channel) };
}
