"""The calls to copy from the page: run, they give refconv's outputs."""

import numpy as np
import pytest
from browser import LAYER, stages_of

from refconv import Geometry
from refconv.walk.lesson import layer_of

CALLED = {
    "both ends padded alike": LAYER,
    "dense": layer_of("ic4ih5iw6oc8kh3ph1"),
    "depthwise": layer_of("g4ic4ih6iw7oc8kh3kw2sh2sw2"),
    "dilated": layer_of("g2ic4ih7iw8oc6kh3kw2dh1dw2ph2pw1"),
    "uneven pads": Geometry.of(
        (2, 4, 6, 7), (4, 1, 3, 2), stride=(2, 1), groups=4, padding=((0, 2), (1, 0))
    ),
}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on torch
@pytest.mark.parametrize("case", CALLED)
@pytest.mark.parametrize("separable", [False, True], ids=["one", "two"])
def test_point_11_the_calls_to_copy_give_refconvs_outputs(opened, case, separable):
    layer = CALLED[case]
    tab = opened(layer)
    if separable:
        tab.check("input[value=two]")
    calls = dict(
        tab.eval_on_selector_all(
            ".call",
            "calls => calls.map(c => [c.dataset.library, c.querySelector('pre').textContent])",
        )
    )
    name = "separable" if separable else "standard" if layer.G == 1 else f"{layer.G} groups"
    stages = stages_of(name, layer)
    weights = [stage.weight for stage in stages]
    for weight in weights:
        for library in ("PyTorch", "NumPy (refconv)", "ONNX"):
            assert str(weight.shape) in calls[library]
    x, y = stages[0].x, stages[-1].y
    assert np.array_equal(numpy_call(calls["NumPy (refconv)"], x, weights), y)
    assert np.array_equal(onnx_call(calls["ONNX"], x, weights), y)
    assert np.array_equal(torch_call(calls["PyTorch"], x, weights), y)
    assert_keras_agrees(calls["Keras"], x, weights, y)


def test_point_11_a_button_copies_the_call(opened):
    tab = opened(LAYER)
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for name in ("PyTorch", "ONNX"):
        tab.click(f"[data-library={name}] button")
        tab.wait_for_function(f"byId('copied').textContent === 'Copied: {name}.'")
        assert tab.inner_text(f"[data-library={name}] button") == "Copied"
        assert tab.evaluate("navigator.clipboard.readText()") == (
            tab.text_content(f"[data-library={name}] pre")
        )


def numpy_call(text, x, weights):
    names = ("depthwise_weight", "pointwise_weight") if len(weights) == 2 else ("weight",)
    scope = {"x": x, **dict(zip(names, weights, strict=True))}
    exec(text, scope)
    return scope["y"]


def torch_call(text, x, weights):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    x = torch.tensor(x, dtype=torch.float64)
    scope = {"x": x}
    with torch.no_grad():
        torch.set_default_dtype(torch.float64)
        try:
            exec(text, scope)
        finally:
            torch.set_default_dtype(torch.float32)
        for parameter, weight in zip(scope["layer"].parameters(), weights, strict=True):
            parameter.copy_(torch.tensor(weight))
        return scope["layer"](x).numpy()


def onnx_call(text, x, weights):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    names = ("depthwise_weight", "pointwise_weight") if len(weights) == 2 else ("weight",)
    scope = {}
    exec(text, scope)
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        scope["nodes"],
        "call",
        [value("x", onnx.TensorProto.FLOAT, x.shape)],
        [value("y", onnx.TensorProto.FLOAT, ["N", "F", "OH", "OW"])],
        [
            onnx.numpy_helper.from_array(weight.astype("float32"), name)
            for name, weight in zip(names, weights, strict=True)
        ],
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
    )
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x.astype("float32")})[0]


def assert_keras_agrees(text, x, weights, y):
    if text.startswith("#"):
        assert "both a stride and a dilation" in text
        return
    keras = pytest.importorskip("keras", reason="keras is not installed")
    scope = {"x": x.transpose(0, 2, 3, 1).astype("float32")}
    exec(text, scope)
    model = scope["model"]
    for variable, weight in zip(model.weights, weights, strict=True):
        kernel = weight.transpose(2, 3, 1, 0)  # (F, Cg, KH, KW) -> (KH, KW, Cg, F)
        variable.assign(kernel.reshape(variable.shape).astype("float32"))
        assert f"kernel {tuple(variable.shape)}" in text
    answer = keras.ops.convert_to_numpy(model(scope["x"]))
    assert np.array_equal(answer.transpose(0, 3, 1, 2), y)
