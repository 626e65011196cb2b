"""Collect the nodes of one ONNX graph whose weights stay where they lie in the checkpoint's files."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from onnx import TensorProto, helper

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.safetensors import TensorLocation
from gptcli.engine.onnx.parts import unembedding
from gptcli.engine.onnx.quantize import BLOCK_SIZE, codes, scales

MICROSOFT = "com.microsoft"
OPSET = 20  # the first with Gelu
IR_VERSION = 10
UNEMBEDDING_SLICES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A serialized graph and the names of the weights that it reads."""

    weights: tuple[str, ...]
    model: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """What a layer adds to the residual stream: a product, and the bias that is still to be added."""

    product: str
    bias: str


@dataclass(slots=True, kw_only=True)
class GraphBuilder:
    """Collects the nodes, weights, inputs and outputs of one graph."""

    config: ModelConfig
    weights: Mapping[str, TensorLocation]
    """Where every tensor of the model lies."""
    quantized: bool
    biased: bool = False
    """Whether attention adds a bias to its scores."""
    traced: bool = False
    """Whether what the layers compute comes out too."""
    nodes: list[Any] = field(default_factory=list)
    initializers: dict[str, Any] = field(default_factory=dict)
    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)

    def input(self, name: str, element_type: int, shape: list[int | str]) -> str:
        """Declare an input of the graph."""
        self.inputs.append(helper.make_tensor_value_info(name, element_type, shape))
        return name

    def output(self, name: str, element_type: int, shape: list[int | str]) -> str:
        """Declare an output of the graph."""
        self.outputs.append(helper.make_tensor_value_info(name, element_type, shape))
        return name

    def node(self, op: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        self.nodes.append(helper.make_node(op, inputs, [output], domain=domain, **attributes))
        return output

    def integer(self, name: str, value: int) -> str:
        """Use a constant (1,)."""
        self.initializers[name] = helper.make_tensor(name, TensorProto.INT64, [1], [value])
        return name

    def weight(self, name: str) -> str:
        """Use one of the model's tensors, or a slice of one; it stays in its file."""
        if name not in self.initializers:
            self.initializers[name] = _external_tensor(name, self.weights[name])
        return name

    def layer_norm(self, x: str, name: str, output: str) -> str:
        """Add a layer normalization over the last axis."""
        inputs = [x, self.weight(f"{name}.weight"), self.weight(f"{name}.bias")]
        return self.node("LayerNormalization", inputs, output, axis=-1, epsilon=self.config.layer_norm_epsilon)

    def add_and_norm(self, residual: str, branch: Branch, norm: str, output: str) -> tuple[str, str]:
        """Add a branch and its bias to the residual stream, and normalize; return the new stream and its norm."""
        total = f"{norm}.residual"
        inputs = [residual, branch.product, *(self.weight(f"{norm}.{part}") for part in ("weight", "bias"))]
        node = helper.make_node(
            "SkipLayerNormalization",
            [*inputs, self.weight(branch.bias)],
            [output, "", "", total],
            domain=MICROSOFT,
            epsilon=self.config.layer_norm_epsilon,
        )
        self.nodes.append(node)
        return total, output

    def matmul(self, x: str, name: str, output: str) -> str:
        """Add x @ weight; the weight is (in, out)."""
        weight = f"{name}.weight"
        if self.quantized:
            return self._quantized_matmul(x, weight, self.weights[weight].shape[0], output)
        return self.node("MatMul", [x, self.weight(weight)], output)

    def unembed(self, x: str, output: str) -> str:
        """Add x @ weight.T with the tied or untied output embedding, which is (vocab, width)."""
        name = unembedding(self.weights)
        if self.quantized:
            return self._quantized_matmul(x, name, self.weights[name].shape[1], output)
        pieces = [
            self.node("FusedMatMul", [x, self.weight(piece)], f"{output}.{piece}", MICROSOFT, transB=1)
            for piece in self._slices(name)
        ]
        return self.node("Concat", pieces, output, axis=-1)

    def graph(self, name: str) -> Graph:
        """Serialize what was collected."""
        initializers = list(self.initializers.values())
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, initializers)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        return Graph(weights=tuple(self.initializers), model=model.SerializeToString())

    def _slices(self, name: str) -> list[str]:
        """Name slices of rows of a weight, or the weight itself where it does not stay in its file.

        ONNX Runtime maps a weight while it packs it: in slices, the largest weight does not stand in memory twice.
        """
        whole = self.weights[name]
        if whole.dtype != "F32":
            return [name]
        rows, width = whole.shape
        edges = [rows * number // UNEMBEDDING_SLICES for number in range(UNEMBEDDING_SLICES + 1)]
        names = []
        for begin, end in pairwise(edges):
            piece, row_bytes = f"{name}[{begin}:{end}]", whole.nbytes // rows
            location = replace(
                whole,
                offset=whole.offset + begin * row_bytes,
                nbytes=(end - begin) * row_bytes,
                shape=(end - begin, width),
            )
            self.initializers[piece] = _external_tensor(piece, location)
            names.append(piece)
        return names

    def _quantized_matmul(self, x: str, weight: str, n_in: int, output: str) -> str:
        """Add x @ weight in int8: weights and activations are scaled in blocks, so no row affects another."""
        return self.node(
            "MatMulNBits",
            [x, self.weight(codes(weight)), self.weight(scales(weight))],
            output,
            MICROSOFT,
            K=n_in,
            N=self.weights[codes(weight)].shape[0],
            bits=8,
            block_size=BLOCK_SIZE,
            accuracy_level=4,  # activations in int8 too
        )


def _external_tensor(name: str, location: TensorLocation) -> Any:
    """Describe a weight that stays where it lies in the checkpoint's file."""
    # Weights of any other type than float32 are widened or narrowed before they reach the graph.
    element_type = TensorProto.UINT8 if location.dtype == "U8" else TensorProto.FLOAT
    tensor = TensorProto(name=name, data_type=element_type, dims=location.shape)
    tensor.data_location = TensorProto.EXTERNAL
    relative_path = location.file.relative_to(location.file.anchor)  # ONNX Runtime takes no absolute path
    place = {"location": relative_path, "offset": location.offset, "length": location.nbytes}
    for key, value in place.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor
