from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from export.fold_constants import fold_constants


def test_constant_parts_become_weights_and_the_result_stays() -> None:
    table = np.arange(12, dtype=np.float32).reshape(4, 3)
    nodes = [
        helper.make_node("Constant", [], ["rows"], value=numpy_helper.from_array(np.array([2, 0]))),
        helper.make_node("Gather", ["table", "rows"], ["picked"], axis=0),
        helper.make_node("Transpose", ["picked"], ["bias"], perm=[1, 0]),
        helper.make_node("Clip", ["bias", "", "most"], ["clipped"]),
        helper.make_node("Add", ["x", "clipped"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, 2])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array(7, np.float32), "most")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    x = np.ones((3, 2), np.float32)
    [before] = ReferenceEvaluator(model).run(None, {"x": x})
    fold_constants(model)
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node] == ["Add"]
    assert [initializer.name for initializer in model.graph.initializer] == ["clipped"]
    [after] = ReferenceEvaluator(model).run(None, {"x": x})
    np.testing.assert_array_equal(after, before)
    np.testing.assert_array_equal(after, x + np.minimum(table[[2, 0]].T, 7))
