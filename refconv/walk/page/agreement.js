"use strict";
// On opening: does this page's arithmetic give what refconv computed? It says so, either way.

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const view = new DataView(await new Response(stream).arrayBuffer());
  return range(view.byteLength / 2).map((i) => view.getInt16(2 * i, true));
}

/** The first thing that differs from refconv's, in words; null where nothing does. */
function difference(outputs, structures, lesson, pools) {
  let at = 0;
  for (const [i, { name, G, separable, promised, counts }] of lesson.structures.entries()) {
    const mine = structures[i];
    if (mine?.name !== name) return `${name}: this page has ${mine?.name} in its place`;
    const own = {
      ...count(mine.stages),
      promised: promise({ ...lesson.layer, G }, separable).value,
    };
    for (const figureName of ["macs", "effective"]) {
      const counted = sum(mine.stages.map((g) => tally(g)[figureName]));
      if (counted !== counts[figureName]) {
        return `${name}: ${figureName} is ${counts[figureName]} in refconv, ${counted} when counted here`;
      }
    }
    for (const [figureName, value] of Object.entries({ ...counts, promised })) {
      if (own[figureName] !== value) {
        return `${name}: ${figureName} is ${value} in refconv, ${own[figureName]} here`;
      }
    }
    for (const [stage, { g, y }] of work(mine.stages, pools).entries()) {
      const image = g.F * g.OH * g.OW;
      for (let i = 0; i < image; i++, at++) {
        if (y[i] !== outputs[at]) {
          return `${name}, stage ${stage + 1}: output ${i} is ${outputs[at]} in refconv, ${y[i]} here`;
        }
      }
    }
  }
  return at === outputs.length ? null : `refconv has ${outputs.length} outputs, this page ${at}`;
}

let outcome = null; // [whether it agrees, in words], once that is known

async function compare() {
  outcome = await agreement();
  drawAgreement(state);
}

/** What was compared is the layer of the opening, with every G: of another it says less. */
function drawAgreement({ layer }) {
  if (outcome === null) return;
  const [agrees, words] = outcome;
  const another = OPTIONS.some((name) => name !== "G" && layer[name] !== LESSON.layer[name]);
  const text = words + (agrees && another ? " This is another layer: not compared." : "");
  if (byId("agreement").textContent === text) return; // it would be read aloud again
  byId("agreement").className = classes("agreement", agrees ? "agrees" : "differs", another && "past");
  byId("agreement").textContent = text;
}

/** Whether the page agrees with refconv, and what to say of it. */
async function agreement() {
  let outputs;
  try {
    outputs = await unpacked(LESSON.outputs);
  } catch (failed) {
    return [
      false,
      `NOT COMPARED with refconv: this browser cannot unpack its numbers (${failed}).`,
    ];
  }
  const found = difference(outputs, structuresOf(LESSON.layer), LESSON, POOLS);
  if (found) return [false, `DIFFERS from refconv. ${found}. Trust no number on this page.`];
  return [
    true,
    `Agrees with refconv for the layer it opened with: ${figure(outputs.length)} outputs and the counts of ` +
      `${LESSON.structures.length} structures, to the unit.`,
  ];
}
