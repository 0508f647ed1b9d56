"use strict";
// The definition, on flat arrays of whole numbers: x (N, C, H, W), weight (F, Cg, KH, KW),
// y (N, F, OH, OW). Operands are cut from the pools, convolved, or written out as im2col.

/** x of a layer: the first numbers of the pool along every axis. */
function cutInput(pool, { N, C, H, W }) {
  const [, poolC, poolH, poolW] = pool.shape;
  const x = new Int32Array(N * C * H * W);
  let i = 0;
  for (let n = 0; n < N; n++)
    for (let c = 0; c < C; c++)
      for (let h = 0; h < H; h++)
        for (let w = 0; w < W; w++) x[i++] = pool.values[((n * poolC + c) * poolH + h) * poolW + w];
  return x;
}

/** The weight of a stage: of the standard layer's blocks, those that its groups leave. */
function cutWeight(pool, { F, Fg, Cg, KH, KW, K }) {
  const [, poolC, poolKH, poolKW] = pool.shape;
  const weight = new Int32Array(F * K);
  let i = 0;
  for (let f = 0; f < F; f++)
    for (let cg = 0; cg < Cg; cg++)
      for (let kh = 0; kh < KH; kh++)
        for (let kw = 0; kw < KW; kw++) {
          const c = Math.floor(f / Fg) * Cg + cg;
          weight[i++] = pool.values[((f * poolC + c) * poolKH + kh) * poolKW + kw];
        }
  return weight;
}

/** xp: x with the pads filled with zeros, so that the loops need no branch. */
function pad(x, { N, C, H, W, pt, pb, pl, pr }) {
  const [HP, WP] = [pt + H + pb, pl + W + pr];
  const xp = new Int32Array(N * C * HP * WP);
  for (let plane = 0; plane < N * C; plane++)
    for (let h = 0; h < H; h++) {
      const row = (plane * H + h) * W;
      xp.set(x.subarray(row, row + W), (plane * HP + pt + h) * WP + pl);
    }
  return xp;
}

function convolve(x, weight, g) {
  const { N, C, F, KH, KW, sh, sw, dh, dw, OH, OW, Cg, Fg, K } = g;
  const [HP, WP] = [g.pt + g.H + g.pb, g.pl + g.W + g.pr];
  const xp = pad(x, g);
  const y = new Int32Array(N * F * OH * OW);
  // How far each tap's cell lies from the window's first: one loop over the taps instead of three.
  const away = new Int32Array(K);
  for (let tap = 0; tap < K; tap++) {
    const [cg, kh, kw] = [Math.floor(tap / (KH * KW)), Math.floor(tap / KW) % KH, tap % KW];
    away[tap] = (cg * HP + kh * dh) * WP + kw * dw;
  }
  let output = 0;
  for (let n = 0; n < N; n++)
    for (let f = 0; f < F; f++) {
      const firstChannel = n * C + Math.floor(f / Fg) * Cg;
      const filter = f * K;
      for (let oh = 0; oh < OH; oh++)
        for (let ow = 0; ow < OW; ow++) {
          const first = (firstChannel * HP + oh * sh) * WP + ow * sw;
          let sum = 0;
          for (let tap = 0; tap < K; tap++) {
            sum = (sum + Math.imul(xp[first + away[tap]], weight[filter + tap])) | 0;
          }
          y[output++] = sum;
        }
    }
  return y;
}

/** The im2col matrices, (N, G, Cg*KH*KW, OH*OW): a row for each tap, a column for each output. */
function im2col(x, g) {
  const { N, C, KH, KW, sh, sw, dh, dw, OH, OW } = g;
  const [HP, WP] = [g.pt + g.H + g.pb, g.pl + g.W + g.pr];
  const xp = pad(x, g);
  const matrix = new Int32Array(N * C * KH * KW * OH * OW);
  let i = 0;
  for (let plane = 0; plane < N * C; plane++)
    for (let kh = 0; kh < KH; kh++)
      for (let kw = 0; kw < KW; kw++)
        for (let oh = 0; oh < OH; oh++)
          for (let ow = 0; ow < OW; ow++)
            matrix[i++] = xp[(plane * HP + oh * sh + kh * dh) * WP + ow * sw + kw * dw];
  return matrix;
}

/** Every stage worked, `{g, x, weight, y}`: a second stage reads what the first one gave. */
function work(stages, pools) {
  let x = cutInput(pools.x, stages[0]);
  return stages.map((g, place) => {
    const weight = cutWeight(place ? pools.mix : pools.weight, g);
    const stage = { g, x, weight, y: convolve(x, weight, g) };
    x = stage.y;
    return stage;
  });
}
