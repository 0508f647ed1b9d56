"use strict";
// The layer as a call in four libraries, with the shape of its weight. Text only.

const tuple = (...numbers) => `(${numbers.join(", ")})`;
const list = (...numbers) => `[${numbers.join(", ")}]`;
const join = (...parts) => parts.filter(Boolean).join(", ");

function callsOf(stages) {
  return [
    { name: "PyTorch", text: pytorch(stages) },
    { name: "NumPy (refconv)", text: numpy(stages) },
    { name: "ONNX", text: onnx(stages) },
    { name: "Keras", text: keras(stages) },
  ];
}

const strided = (g) => g.sh > 1 || g.sw > 1;
const dilated = (g) => g.dh > 1 || g.dw > 1;
const shapes = (first, last) =>
  `# x ${tuple(first.N, first.C, first.H, first.W)} -> ` +
  `y ${tuple(last.N, last.F, last.OH, last.OW)}`;
const weightShape = (g) => `${tuple(g.F, g.Cg, g.KH, g.KW)}: F, C/G, KH, KW`;

function pytorch(stages) {
  const layers = stages.flatMap((g) => {
    const bothEnds = g.pt === g.pb && g.pl === g.pr;
    const options = join(
      `torch.nn.Conv2d(${g.C}`,
      g.F,
      tuple(g.KH, g.KW),
      strided(g) && `stride=${tuple(g.sh, g.sw)}`,
      bothEnds && isPadded(g) && `padding=${tuple(g.pt, g.pl)}`,
      dilated(g) && `dilation=${tuple(g.dh, g.dw)}`,
      g.G > 1 && `groups=${g.G}`,
      "bias=False)",
    );
    // padding= pads both ends alike
    const zeros = `torch.nn.ZeroPad2d(${tuple(g.pl, g.pr, g.pt, g.pb)}),`;
    const conv = [`# weight ${weightShape(g)}`, `${options},`];
    return bothEnds ? conv : [zeros, ...conv];
  });
  return `import torch

layer = torch.nn.Sequential(
${layers.map((line) => `    ${line}`).join("\n")}
)
y = layer(x)  ${shapes(stages[0], stages.at(-1))}
`;
}

function numpy(stages) {
  const options = (g) =>
    join(
      strided(g) && `stride=${tuple(g.sh, g.sw)}`,
      isPadded(g) && `padding=${tuple(tuple(g.pt, g.pb), tuple(g.pl, g.pr))}`,
      dilated(g) && `dilation=${tuple(g.dh, g.dw)}`,
    );
  const [g, pointwise] = stages;
  if (pointwise) {
    return `import refconv

# depthwise_weight ${weightShape(g)}
# pointwise_weight ${weightShape(pointwise)}
y = refconv.depthwise_separable_conv2d(
    ${join("x", "depthwise_weight", "pointwise_weight", options(g))}
)  ${shapes(g, pointwise)}
`;
  }
  return `import refconv

# weight ${weightShape(g)}
y = refconv.conv2d(
    ${join("x", "weight", options(g), g.G > 1 && `groups=${g.G}`)}
)  ${shapes(g, g)}
`;
}

function onnx(stages) {
  const names = stages.length === 1 ? ["weight"] : ["depthwise_weight", "pointwise_weight"];
  const arrays = stages.length === 1 ? ["x", "y"] : ["x", "z", "y"];
  const nodes = stages.map(
    (g, i) => `    # ${names[i]} ${weightShape(g)}
    onnx.helper.make_node(
        "Conv", ["${arrays[i]}", "${names[i]}"], ["${arrays[i + 1]}"],
        kernel_shape=${list(g.KH, g.KW)}, strides=${list(g.sh, g.sw)}, group=${g.G},
        pads=${list(g.pt, g.pl, g.pb, g.pr)}, dilations=${list(g.dh, g.dw)},
    ),`,
  );
  return `import onnx

nodes = [
${nodes.join("\n")}
]  ${shapes(stages[0], stages.at(-1))}
`;
}

function keras(stages) {
  if (stages.some((g) => strided(g) && dilated(g))) {
    return "# Keras has no layer with both a stride and a dilation above 1.\n";
  }
  const layers = stages.flatMap((g) => {
    const options = join(
      strided(g) && `strides=${tuple(g.sh, g.sw)}`,
      dilated(g) && `dilation_rate=${tuple(g.dh, g.dw)}`,
    );
    // One stride for both axes is all that depthwise layers take on TensorFlow.
    const depthwise = kindOf(g) === "depthwise" && g.sh === g.sw;
    const layer = depthwise
      ? `DepthwiseConv2D(${join(
          tuple(g.KH, g.KW),
          g.Fg > 1 && `depth_multiplier=${g.Fg}`,
          options,
          "use_bias=False",
        )}),`
      : `Conv2D(${join(
          g.F,
          tuple(g.KH, g.KW),
          options,
          g.G > 1 && `groups=${g.G}`,
          "use_bias=False",
        )}),`;
    const kernel = depthwise
      ? `# kernel ${tuple(g.KH, g.KW, g.C, g.Fg)}: KH, KW, C, F/C`
      : `# kernel ${tuple(g.KH, g.KW, g.Cg, g.F)}: KH, KW, C/G, F`;
    const zeros = `ZeroPadding2D(${tuple(tuple(g.pt, g.pb), tuple(g.pl, g.pr))}),`;
    const conv = [kernel, `keras.layers.${layer}`];
    return isPadded(g) ? [`keras.layers.${zeros}`, ...conv] : conv;
  });
  const [first, last] = [stages[0], stages.at(-1)];
  return (
    `import keras

model = keras.Sequential([
${layers.map((line) => `    ${line}`).join("\n")}
])
# channels last: x ${tuple(first.N, first.H, first.W, first.C)} -> ` +
    `y ${tuple(last.N, last.OH, last.OW, last.F)}
y = model(x)
`
  );
}
