"use strict";
// The multiply-accumulate at hand: its index arithmetic with the numbers put in, the terms of the
// sum so far, and the same place in the seven loops.

function drawSum(scene) {
  const { stages, now, separable } = scene;
  const stage = stages[now.stage];
  const names = namesOf(separable, now.stage);
  const at = numbersAt(stage, now);
  const hidden = isHidden(scene, now.stage, outputIndex(stage.g, now));
  drawIndex(stage.g, now, names, at);
  drawTerms(stage.g, now, names, hidden ? { ...at, before: HIDDEN, sum: HIDDEN } : at, {
    taps: told(scene, "taps", stage.g.K),
  });
  drawLoops(stage.g, now, names, at);
}

function drawIndex(g, now, { x, weight }, at) {
  const axis = (letter, pad, [o, s, before, k, d], result, size) =>
    `<li><code>${letter} = o${letter}·s${letter} − ${pad} + k${letter}·d${letter}</code>` +
    `<code>= ${o}·${s} − ${before} + ${k}·${d} = <b>${result}</b></code>` +
    (result < 0 || result >= size
      ? ` <span class="outside">padding: not in 0 to ${size - 1}</span></li>`
      : "</li>");
  const input = element(x, now.n, now.c, now.h, now.w);
  const tap = element(weight, now.f, now.cg, now.kh, now.kw);
  byId("index").innerHTML = `<ul>
    <li><code>g = f // Fg</code><code>= ${now.f} // ${g.Fg} = <b>${now.group}</b></code></li>
    <li><code>c = g·Cg + cg</code>
      <code>= ${now.group}·${g.Cg} + ${now.cg} = <b>${now.c}</b></code></li>
    ${axis("h", "pt", [now.oh, g.sh, g.pt, now.kh, g.dh], now.h, g.H)}
    ${axis("w", "pl", [now.ow, g.sw, g.pl, now.kw, g.dw], now.w, g.W)}
  </ul>
  <p class="product"><span class="input">${input} = <b>${at.x}</b></span> ×
    <span class="weight">${tap} = <b>${at.weight}</b></span> = <b>${at.x * at.weight}</b></p>`;
}

function drawTerms(g, now, { y }, at, { taps }) {
  const index = now.kh * g.KW + now.kw;
  const terms = at.terms.map((term, i) => {
    const name = classes("term", term.onPad && "pad", i === index && "now", i > index && "later");
    return `<span class="${name}">${term.x}·${bracketed(term.weight)}</span>`;
  });
  if (now.cg > 0) terms.unshift(`<span class="term">${at.before} from channels before</span>`);
  if (now.cg < g.Cg - 1) terms.push("…");
  const room = 1.5 * Math.ceil(1 + (g.KH * g.KW) / 9); // longer numbers shall move nothing below
  byId("terms").innerHTML =
    `<p style="min-height: ${room}em">` +
    `<span class="output">${element(y, now.n, now.f, now.oh, now.ow)}</span> = ` +
    `${terms.join(" + ")}</p><p>Sum so far: <b id="sum">${at.sum}</b>, after ` +
    `${((now.done - 1) % g.K) + 1} of ${taps} terms, ` +
    `${now.cg + 1} of ${g.Cg} input channels.</p>`;
}

const bracketed = (number) => (number < 0 ? `(${number})` : number);

function drawLoops(g, now, { x, weight, y }, at) {
  const loops = [
    ["n", "N", now.n, "output"],
    ["f", "F", now.f, "output"],
    ["oh", "OH", now.oh, "output"],
    ["ow", "OW", now.ow, "output"],
    ["cg", "Cg", now.cg, "input"],
    ["kh", "KH", now.kh, "weight"],
    ["kw", "KW", now.kw, "weight"],
  ];
  const lines = loops.map(
    ([index, size, value, role], depth) =>
      `${"  ".repeat(depth)}for <span class="${role}">${index}</span> in range(${size}):` +
      `  <i># <b class="${role}">${value}</b> of ${g[size]}</i>`,
  );
  const inner = "  ".repeat(loops.length);
  const note = (text) => `  <i># <b>${text}</b></i>`;
  byId("loops").innerHTML = [
    ...lines,
    `${inner}c = f // Fg * Cg + cg${note(now.c)}`,
    `${inner}h = oh*sh - pt + kh*dh${note(now.h)}`,
    `${inner}w = ow*sw - pl + kw*dw${note(now.w)}`,
    `<mark class="now">${inner}${y}[n, f, oh, ow] += \\`,
    `${inner}  ${x}[n, c, h, w] *${note(now.onPad ? `${at.x}, a padding cell` : at.x)}`,
    `${inner}  ${weight}[f, cg, kh, kw]${note(at.weight)}</mark>`,
  ].join("\n");
}
