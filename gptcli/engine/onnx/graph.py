"""GPT-2 as ONNX graphs, built node by node: the body (embeddings to hidden states), in parts, and the head (to logits).

Several graphs rather than one, so that their sessions open side by side and the head can run over any
positions, in chunks, without the body. Linear layers keep the checkpoint's own layout: GPT-2 stores (in, out), which is
what MatMul wants, so weights are used as they lie in the file. Shapes: B rows, T new tokens, M cache
positions, S of them read, N wanted positions, K candidates, V vocabulary.
"""

from collections.abc import Mapping

from onnx import TensorProto, helper

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.safetensors import TensorLocation
from gptcli.engine.onnx.builder import MICROSOFT, Branch, Graph, GraphBuilder
from gptcli.engine.onnx.parts import BodyPart


def body_graph(
    config: ModelConfig,
    weights: Mapping[str, TensorLocation],
    part: BodyPart,
    *,
    quantized: bool,
    biased: bool,
    traced: bool,
) -> Graph:
    """Build a part of the body, which goes from embeddings to the final hidden states at the wanted positions.

    Inputs: stream (B, T, width), the embeddings or the part before's next_stream; last (B,), the index of each
    row's last real token in its cache; total (1,), the largest of those plus one; past.L.k and past.L.v (B, heads,
    M, head_dim); of a biased body bias (1, 1, T, total), which is added to the scores of attention; of the last part
    also wanted (N, 2), pairs of row and column. Outputs: next_stream, or hidden
    (N, width) of the last part, and present.L.*, which must be bound to the past's memory; of a traced body also
    queries.L (B, T, width) of each layer, and what each norm behind a block reads: h.L.ln_1.residual (B, T, width)
    and ln_f.residual (N, width).
    """
    g = GraphBuilder(config=config, weights=weights, quantized=quantized, biased=biased, traced=traced)
    g.input("last", TensorProto.INT32, ["B"])
    g.input("total", TensorProto.INT32, [1])
    if biased:
        g.input("bias", TensorProto.FLOAT, [1, 1, "T", "S"])
    residual = g.input("stream", TensorProto.FLOAT, ["B", "T", config.n_embd])
    normed = g.layer_norm(residual, f"h.{part.begin}.ln_1", f"h.{part.begin}.ln_1.out")
    for layer in range(part.begin, part.end):
        heads = _attention(g, normed, layer)
        if layer == config.n_layer - 1:
            residual, heads = _at_wanted(g, residual, heads)
        attended = _projection(g, heads, layer)
        residual, normed = g.add_and_norm(residual, attended, f"h.{layer}.ln_2", f"h.{layer}.ln_2.out")
        branch = _perceptron(g, normed, layer)
        if layer < part.end - 1:
            residual, normed = g.add_and_norm(residual, branch, f"h.{layer + 1}.ln_1", f"h.{layer + 1}.ln_1.out")
            _trace(g, residual, ["B", "T", config.n_embd])
    if part.is_last:
        hidden = g.output("hidden", TensorProto.FLOAT, ["N", config.n_embd])
        residual, _ = g.add_and_norm(residual, branch, "ln_f", hidden)
        _trace(g, residual, ["N", config.n_embd])
    else:
        output = g.output("next_stream", TensorProto.FLOAT, ["B", "T", config.n_embd])
        g.node("Add", [g.node("Add", [residual, branch.product], "unbiased"), g.weight(branch.bias)], output)
        if traced:
            _trace(g, g.node("Identity", [output], f"h.{part.end}.ln_1.residual"), ["B", "T", config.n_embd])
    return g.graph("body")


def _trace(g: GraphBuilder, value: str, shape: list[int | str]) -> None:
    """Let a value come out of a traced graph."""
    if g.traced:
        g.output(value, TensorProto.FLOAT, shape)


def _at_wanted(g: GraphBuilder, residual: str, heads: str) -> tuple[str, str]:
    """Keep the wanted positions alone: behind the last attention, the others are of no use to anyone."""
    wanted = g.input("wanted", TensorProto.INT64, ["N", 2])
    return g.node("GatherND", [residual, wanted], "wanted.residual"), g.node(
        "GatherND", [heads, wanted], "wanted.heads"
    )


def head_graph(config: ModelConfig, weights: Mapping[str, TensorLocation], *, quantized: bool) -> Graph:
    """Build the graph from hidden (N, width) to logits (N, V), the K best of them, and their log-sum-exp (N, 1)."""
    g = GraphBuilder(config=config, weights=weights, quantized=quantized)
    hidden = g.input("hidden", TensorProto.FLOAT, ["N", config.n_embd])
    top = g.input("top", TensorProto.INT64, [1])
    logits = g.unembed(hidden, g.output("logits", TensorProto.FLOAT, ["N", config.vocab_size]))
    g.output("top_values", TensorProto.FLOAT, ["N", "K"])
    g.output("top_ids", TensorProto.INT64, ["N", "K"])
    g.nodes.append(helper.make_node("TopK", [logits, top], ["top_values", "top_ids"]))
    _log_sum_exp(g, logits, g.output("logsumexp", TensorProto.FLOAT, ["N", 1]))
    return g.graph("head")


def _log_sum_exp(g: GraphBuilder, x: str, output: str) -> None:
    """Add the log-sum-exp of rows as x - log_softmax(x) at column 0: a tenth of ReduceLogSumExp's time."""
    column = [g.integer("column_0", 0), g.integer("column_1", 1), g.integer("last_axis", -1)]
    log_softmax = g.node("LogSoftmax", [x], f"{output}.log_softmax", axis=-1)
    first = g.node("Slice", [x, *column], f"{output}.x_0")
    g.node("Sub", [first, g.node("Slice", [log_softmax, *column], f"{output}.log_softmax_0")], output)


def _attention(g: GraphBuilder, x: str, layer: int) -> str:
    """Add causal self-attention over the cache, up to what its heads say; each row reads its own length of it."""
    name = f"h.{layer}.attn"
    cache_shape: list[int | str] = ["B", g.config.n_head, "M", g.config.head_dim]
    past = [g.input(f"past.{layer}.{part}", TensorProto.FLOAT, cache_shape) for part in "kv"]
    present = [g.output(f"present.{layer}.{part}", TensorProto.FLOAT, cache_shape) for part in "kv"]
    product = g.matmul(x, f"{name}.c_attn", f"{name}.c_attn.product")
    packed = g.node("Add", [product, g.weight(f"{name}.c_attn.bias")], f"{name}.c_attn.out")
    if g.traced:
        columns = [g.integer("queries_begin", 0), g.integer("queries_end", g.config.n_embd), g.integer("last_axis", -1)]
        _trace(g, g.node("Slice", [packed, *columns], f"queries.{layer}"), ["B", "T", g.config.n_embd])
    bias = ["", "", "", "bias"] if g.biased else []  # behind what rotary embeddings would take
    g.nodes.append(
        helper.make_node(
            "GroupQueryAttention",
            [packed, "", "", *past, "last", "total", *bias],
            [f"{name}.heads", *present],
            domain=MICROSOFT,
            num_heads=g.config.n_head,
            kv_num_heads=g.config.n_head,
            do_rotary=0,
            scale=g.config.attention_scale(layer),
        )
    )
    return f"{name}.heads"


def _projection(g: GraphBuilder, heads: str, layer: int) -> Branch:
    """Add the product that puts a layer's heads together."""
    name = f"h.{layer}.attn"
    return Branch(product=g.matmul(heads, f"{name}.c_proj", f"{name}.out"), bias=f"{name}.c_proj.bias")


def _perceptron(g: GraphBuilder, x: str, layer: int) -> Branch:
    """Add the two-layer perceptron."""
    name = f"h.{layer}.mlp"
    product = g.matmul(x, f"{name}.c_fc", f"{name}.c_fc.product")
    inner = _activation(g, product, g.weight(f"{name}.c_fc.bias"), f"{name}.inner")
    return Branch(product=g.matmul(inner, f"{name}.c_proj", f"{name}.out"), bias=f"{name}.c_proj.bias")


def _activation(g: GraphBuilder, product: str, bias: str, output: str) -> str:
    """Add the activation of product + bias, one of the five that read_config lets through."""
    if g.config.activation == "gelu_new":
        return g.node("FastGelu", [product, bias], output, MICROSOFT)  # the tanh form, with the bias in one pass
    x = g.node("Add", [product, bias], f"{output}.biased")
    match g.config.activation:
        case "gelu":
            return g.node("Gelu", [x], output)
        case "relu":
            return g.node("Relu", [x], output)
        case "tanh":
            return g.node("Tanh", [x], output)
        case _:  # silu
            return g.node("Mul", [x, g.node("Sigmoid", [x], f"{output}.gate")], output)
