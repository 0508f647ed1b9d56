"use strict";
// Sizes: what a layer's options mean, derived once, and why an option cannot be had.
// No array is touched here. The letters are the project's: sizes N C H W F KH KW OH OW G,
// options sh sw dh dw pt pb pl pr, and Cg = C / G, Fg = F / G, K = Cg * KH * KW taps.

const OPTIONS = [
  "N",
  "C",
  "H",
  "W",
  "F",
  "KH",
  "KW",
  "G",
  "sh",
  "sw",
  "dh",
  "dw",
  "pt",
  "pb",
  "pl",
  "pr",
];

function extent(kernel, dilation) {
  return dilation * (kernel - 1) + 1;
}

function geometry(options) {
  const { C, H, W, F, KH, KW, G, sh, sw, dh, dw, pt, pb, pl, pr } = options;
  return {
    ...options,
    OH: Math.floor((H + pt + pb - extent(KH, dh)) / sh) + 1,
    OW: Math.floor((W + pl + pr - extent(KW, dw)) / sw) + 1,
    Cg: C / G,
    Fg: F / G,
    K: (C / G) * KH * KW,
  };
}

/** Why this layer cannot be, in one sentence; null if it can. */
function impossible(options, limits) {
  for (const [name, most] of Object.entries(limits)) {
    const least = name.startsWith("p") ? 0 : 1;
    if (options[name] < least) return `${name} is at least ${least}`;
    if (options[name] > most) return `this page shows ${name} up to ${most}`;
  }
  const { C, F, G } = options;
  if (C % G) return `${G} groups do not divide ${C} input channels`;
  if (F % G) return `${G} groups do not divide ${F} output channels`;
  const axes = [
    ["H", "KH", "dh", "pt", "pb"],
    ["W", "KW", "dw", "pl", "pr"],
  ];
  for (const [size, kernel, dilation, before, after] of axes) {
    const o = options;
    const spans = extent(o[kernel], o[dilation]);
    const there = o[size] + o[before] + o[after];
    if (spans > there) {
      return (
        `${kernel} ${o[kernel]} with dilation ${o[dilation]} spans ${spans} cells, but x has ` +
        `${there} along ${size} (${o[size]} and pads ${o[before]} and ${o[after]})`
      );
    }
  }
  return null;
}

function divisors(number) {
  return Array.from({ length: number }, (_, i) => i + 1).filter((d) => number % d === 0);
}

/** Every number of groups that divides both numbers of channels, 1 first. */
function groupsOf({ C, F }) {
  return divisors(C).filter((G) => F % G === 0);
}

/** One convolution, or depthwise and then pointwise on its output. */
function stagesOf(layer, separable) {
  if (!separable) return [geometry(layer)];
  const depthwise = geometry({ ...layer, F: layer.C, G: layer.C });
  const pointwise = geometry({
    N: layer.N,
    C: layer.C,
    H: depthwise.OH,
    W: depthwise.OW,
    F: layer.F,
    KH: 1,
    KW: 1,
    G: 1,
    sh: 1,
    sw: 1,
    dh: 1,
    dw: 1,
    pt: 0,
    pb: 0,
    pl: 0,
    pr: 0,
  });
  return [depthwise, pointwise];
}

/** Every structure that the layer can have, in refconv's order and by refconv's names. */
function structuresOf(layer) {
  const groups = groupsOf(layer).map((G) => ({
    name: G === 1 ? "standard" : `${G} groups`,
    G,
    separable: false,
    stages: stagesOf({ ...layer, G }, false),
  }));
  return [
    ...groups,
    { name: "separable", G: layer.C, separable: true, stages: stagesOf(layer, true) },
  ];
}

/**
 * The layer in the notation that refconv's commands take, which is oneDNN's: pads below and to the
 * right follow from OH and OW, and dilation counts from 0.
 */
function descriptorOf(options) {
  const { N, C, H, W, F, KH, KW, G, sh, sw, dh, dw, pt, pl, OH, OW } = geometry(options);
  return (
    `g${G}mb${N}ic${C}ih${H}iw${W}oc${F}oh${OH}ow${OW}kh${KH}kw${KW}` +
    `sh${sh}sw${sw}dh${dh - 1}dw${dw - 1}ph${pt}pw${pl}`
  );
}

function kindOf({ G, C, KH, KW }) {
  if (G > 1) return G === C ? "depthwise" : "group";
  return KH === 1 && KW === 1 ? "pointwise" : "standard";
}

function isPadded({ pt, pb, pl, pr }) {
  return pt + pb + pl + pr > 0;
}

/** Whether the im2col matrix is x itself, so that nothing is copied. */
function needsNoCopy(g) {
  return g.KH === 1 && g.KW === 1 && g.sh === 1 && g.sw === 1 && !isPadded(g);
}
