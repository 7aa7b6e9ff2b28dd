#!/usr/bin/env python3
"""Makes cases/made_*.safetensors: further conformance cases, computed by PyTorch (made with 1.13) in float64.

    make_cases.py [FOLDER]

Not part of the build: the cases are kept beside this file. They cover what is easy to get wrong: every setting of every
optimiser, first steps that differ from later ones, zero gradients, ids and targets that repeat or count for nothing,
sizes of 1 and odd ones, gradients at the clipping threshold.
"""
import json
import math
import pathlib
import struct
import sys

import torch

torch.set_default_dtype(torch.float64)
folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "cases"


def save(name, metadata, tensors):
    """As the safetensors format has it: length of the header, header, numbers."""
    types = {torch.float64: "F64", torch.int64: "I64"}
    header = {"__metadata__": {key: str(value) for key, value in metadata.items()}}
    data = b""
    for key, tensor in tensors.items():
        raw = tensor.detach().contiguous().numpy().tobytes()
        header[key] = {"dtype": types[tensor.dtype], "shape": list(tensor.shape),
                       "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / f"made_{name}.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


def optimizer(name, kind, shape, steps, seed, **settings):
    """Gradients that change their sign and size, some of them zero in the first steps."""
    torch.manual_seed(seed)
    make = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW,
            "rmsprop": torch.optim.RMSprop, "adagrad": torch.optim.Adagrad}[kind]
    p = torch.randn(shape)
    tensors = {"in.p": p.clone()}
    p.requires_grad_()
    stepper = make([p], **settings)
    for step in range(steps):
        p.grad = torch.randn(shape) * 10.0 ** (1 - step % 4)
        if step < 2 and p.dim() > 0:
            p.grad[..., 0] = 0
        tensors[f"in.grad{step}"] = p.grad.clone()
        stepper.step()
        tensors[f"out.p{step}"] = p.detach().clone()
    save(name, {"kind": "optimizer", "name": kind, "steps": steps, **settings}, tensors)


def finish(name, metadata, inputs, parameters, outputs):
    """Random cotangents, and the gradients that they give."""
    tensors = {f"in.{key}": value for key, value in inputs.items()}
    tensors.update({f"param.{key}": value for key, value in parameters.items()})
    total = 0
    for key, value in outputs.items():
        cotangent = torch.randn(value.shape)
        total = total + (value * cotangent).sum()
        tensors.update({f"out.{key}": value, f"cotangent.{key}": cotangent})
    total.backward()
    tensors.update({f"grad.in.{key}": value.grad for key, value in inputs.items() if value.requires_grad})
    tensors.update({f"grad.param.{key}": value.grad for key, value in parameters.items()})
    save(name, metadata, tensors)


def recurrent(kind, name, T, B, D, H, seed, layers=1, bidirectional=False, lengths=None, scale=1.0, states=True,
              **settings):
    """torch.nn.RNN, LSTM or GRU; zeros as initial states where states is False."""
    torch.manual_seed(seed)
    layer = getattr(torch.nn, kind.upper())(D, H, layers, bidirectional=bidirectional, **settings)
    inputs = {"x": (scale * torch.randn(T, B, D)).requires_grad_()}
    given = ["h0", "c0"] if kind == "lstm" else ["h0"]
    if states:
        inputs.update({s: torch.randn(layers * (2 if bidirectional else 1), B, H, requires_grad=True) for s in given})
    initial = None if not states else (inputs["h0"], inputs["c0"]) if kind == "lstm" else inputs["h0"]
    if lengths is None:
        y, last = layer(inputs["x"], initial)
    else:
        inputs["lengths"] = torch.tensor(lengths)
        packed = torch.nn.utils.rnn.pack_padded_sequence(inputs["x"], inputs["lengths"], enforce_sorted=False)
        y, last = layer(packed, initial)
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, total_length=T)
    outputs = dict(zip(("y", "hT", "cT"), (y, *last) if kind == "lstm" else (y, last)))
    finish(name, {"kind": kind, "input_size": D, "hidden_size": H, "num_layers": layers,
                  "bidirectional": bidirectional, **settings}, inputs, dict(layer.named_parameters()), outputs)


def textbook(kind, name, T, B, D, H, seed, scale=1.0, states=True):
    """The book's equations, W_* on [h, x] or [h, x, C]."""
    torch.manual_seed(seed)
    gates, lstm = {"textbook_gru": "zrh", "textbook_coupled_lstm": "ioC"}.get(kind, "fioC"), kind != "textbook_gru"
    sees_cell = "fio" if kind == "textbook_peephole_lstm" else ""
    W = {f"W_{g}": torch.randn(H, H + D + (H if g in sees_cell else 0), requires_grad=True) for g in gates}
    W.update({f"b_{g}": torch.randn(H, requires_grad=True) for g in gates})
    inputs = {"x": (scale * torch.randn(T, B, D)).requires_grad_()}
    if states:
        inputs.update({s: torch.randn(B, H, requires_grad=True) for s in (("h0", "c0") if lstm else ("h0",))})
    h, c = inputs.get("h0", torch.zeros(B, H)), inputs.get("c0", torch.zeros(B, H))
    ys = []
    for x in inputs["x"]:
        def a(g, h, c):
            return torch.cat([h, x] + ([c] if g in sees_cell else []), 1) @ W[f"W_{g}"].T + W[f"b_{g}"]
        if lstm:
            i = torch.sigmoid(a("i", h, c))
            f = torch.sigmoid(a("f", h, c)) if "f" in gates else 1 - i
            c = f * c + i * torch.tanh(a("C", h, c))
            h = torch.sigmoid(a("o", h, c)) * torch.tanh(c)
        else:
            z, r = torch.sigmoid(a("z", h, c)), torch.sigmoid(a("r", h, c))
            h = (1 - z) * h + z * torch.tanh(a("h", r * h, c))
        ys.append(h)
    finish(name, {"kind": kind}, inputs, W, {"y": torch.stack(ys), "hT": h, **({"cT": c} if lstm else {})})


def clip(name, max_norm, *gradients):
    norm = math.sqrt(sum(float((g * g).sum()) for g in gradients))
    factor = max_norm / norm if norm > max_norm else 1.0
    tensors = {f"in.grad{i}": g for i, g in enumerate(gradients)}
    tensors.update({f"out.grad{i}": g * factor for i, g in enumerate(gradients)})
    save(name, {"kind": "clip_grad_norm", "max_norm": max_norm}, {**tensors, "out.norm": torch.tensor(norm)})


def embedding(name, ids, V, D):
    weight = torch.randn(V, D, requires_grad=True)
    y = torch.nn.functional.embedding(ids, weight)
    cotangent = torch.randn(y.shape)
    (y * cotangent).sum().backward()
    save(name, {"kind": "embedding"},
         {"in.ids": ids, "param.weight": weight, "out.y": y, "cotangent.y": cotangent, "grad.param.weight": weight.grad})


def cross_entropy(name, logits, targets, both=True, **settings):
    logits.requires_grad_()
    tensors, total = {"in.logits": logits, "in.targets": targets}, 0
    for reduction in ("mean", "sum") if both else ("mean",):
        loss = torch.nn.functional.cross_entropy(logits, targets, reduction=reduction, **settings)
        cotangent = torch.randn(())
        total = total + loss * cotangent
        tensors.update({f"out.loss_{reduction}": loss, f"cotangent.loss_{reduction}": cotangent})
    total.backward()
    save(name, {"kind": "cross_entropy", **settings}, {**tensors, "grad.in.logits": logits.grad})


def attention(name, score, B, S, Hd, He, seed, A=0, lengths=None, scale=1.0):
    torch.manual_seed(seed)
    inputs = {"query": (scale * torch.randn(B, Hd)).requires_grad_(), "keys": torch.randn(B, S, He, requires_grad=True)}
    q, k, parameters = inputs["query"], inputs["keys"], {}
    if score != "dot":
        parameters["W_a"] = torch.randn(*((Hd, He) if score == "general" else (A, Hd + He)), requires_grad=True)
    if score == "dot":
        e = torch.einsum("bh,bsh->bs", q, k)
    elif score == "general":
        e = torch.einsum("bi,ij,bsj->bs", q, parameters["W_a"], k)
    else:
        parameters["v_a"] = torch.randn(A, requires_grad=True)
        both = torch.cat([q.unsqueeze(1).expand(B, S, Hd), k], -1)
        e = torch.tanh(both @ parameters["W_a"].T) @ parameters["v_a"]
    if lengths is not None:
        inputs["lengths"] = torch.tensor(lengths)
        e = e.masked_fill(torch.arange(S).unsqueeze(0) >= inputs["lengths"].unsqueeze(1), -math.inf)
    weights = torch.softmax(e, -1)
    context = torch.einsum("bs,bsh->bh", weights, k)
    finish(name, {"kind": "attention", "score": score}, inputs, parameters,
           {"context": context, "weights": weights})


def layer_norm(name, shape, seed, eps=1e-5, scale=1.0, shift=0.0):
    torch.manual_seed(seed)
    x = (scale * torch.randn(shape) + shift).requires_grad_()
    parameters = {"weight": torch.randn(shape[-1], requires_grad=True), "bias": torch.randn(shape[-1], requires_grad=True)}
    y = torch.nn.functional.layer_norm(x, shape[-1:], parameters["weight"], parameters["bias"], eps)
    finish(name, {"kind": "layer_norm", "eps": eps}, {"x": x}, parameters, {"y": y})


def conv2d(name, shape, out, kernel, seed, bias=True, **settings):
    torch.manual_seed(seed)
    x = torch.randn(shape, requires_grad=True)
    parameters = {"weight": torch.randn(out, shape[1], *kernel, requires_grad=True)}
    if bias:
        parameters["bias"] = torch.randn(out, requires_grad=True)
    y = torch.nn.functional.conv2d(x, parameters["weight"], parameters.get("bias"), **settings)
    finish(name, {"kind": "conv2d", **settings}, {"x": x}, parameters, {"y": y})


def max_pool2d(name, shape, seed, ties=False, **settings):
    torch.manual_seed(seed)
    x = torch.randn(shape)
    x = (x.round() if ties else x).requires_grad_()
    finish(name, {"kind": "max_pool2d", **settings}, {"x": x}, {}, {"y": torch.nn.functional.max_pool2d(x, **settings)})


def spatial_attention(name, B, K, H, Dv, A, seed, scale=1.0):
    torch.manual_seed(seed)
    inputs = {"h": (scale * torch.randn(B, H)).requires_grad_(), "V": torch.randn(B, K, Dv, requires_grad=True)}
    sizes = {"W_h": (A, H), "W_v": (A, Dv), "b_a": (A,), "w_a": (A,)}
    p = {key: torch.randn(size, requires_grad=True) for key, size in sizes.items()}
    e = torch.tanh((inputs["h"] @ p["W_h"].T).unsqueeze(1) + inputs["V"] @ p["W_v"].T + p["b_a"]) @ p["w_a"]
    alpha = torch.softmax(e, -1)
    finish(name, {"kind": "spatial_attention"}, inputs, p,
           {"v": torch.einsum("bk,bkd->bd", alpha, inputs["V"]), "alpha": alpha})


def ctc(name, T, C, labels, seed, input_lengths=None, scale=1.0, **settings):
    """labels: a list for each sequence; what is behind them counts for nothing."""
    torch.manual_seed(seed)
    S = max(map(len, labels))
    logits = (scale * torch.randn(T, len(labels), C)).requires_grad_()
    lengths = {"input_lengths": torch.tensor(input_lengths or [T] * len(labels)),
               "target_lengths": torch.tensor([len(label) for label in labels])}
    targets = torch.tensor([label + [-1] * (S - len(label)) for label in labels]).view(len(labels), S)
    loss = torch.nn.functional.ctc_loss(torch.log_softmax(logits, -1), targets.clamp_min(0), **lengths,
                                        reduction="none", **settings)
    finish(name, {"kind": "ctc", **settings}, {"logits": logits, "targets": targets, **lengths}, {}, {"loss": loss})


optimizer("sgd_plain", "sgd", (3, 5), 4, 1, lr=0.1)
optimizer("sgd_decay_maximize", "sgd", (7,), 5, 2, lr=0.05, weight_decay=0.3, maximize=True)
optimizer("sgd_dampening", "sgd", (2, 3, 1, 2), 6, 3, lr=0.1, momentum=0.9, dampening=0.25, weight_decay=0.01)
optimizer("sgd_nesterov", "sgd", (17,), 6, 4, lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.1)
optimizer("sgd_all_dampening", "sgd", (1,), 5, 5, lr=0.1, momentum=0.5, dampening=1.0)
optimizer("adam_defaults", "adam", (33,), 12, 6)
optimizer("adam_decay", "adam", (5, 3), 8, 7, lr=0.02, weight_decay=0.4, betas=(0.5, 0.9))
optimizer("adam_amsgrad", "adam", (6,), 12, 8, lr=0.1, amsgrad=True, betas=(0.8, 0.6))
optimizer("adam_maximize", "adam", (), 6, 9, lr=0.1, maximize=True, weight_decay=0.1)
optimizer("adam_large_eps", "adam", (4,), 6, 10, lr=0.1, eps=0.5)
optimizer("adam_no_memory", "adam", (4,), 6, 11, lr=1e-05, betas=(0.0, 0.0))
optimizer("adamw_defaults", "adamw", (7, 3), 8, 12)
optimizer("adamw_amsgrad", "adamw", (5,), 12, 13, lr=0.1, weight_decay=0.5, amsgrad=True, betas=(0.7, 0.5), eps=1e-3)
optimizer("adamw_maximize", "adamw", (5,), 6, 14, lr=0.1, weight_decay=0.0, maximize=True)
optimizer("rmsprop_defaults", "rmsprop", (3, 3), 8, 15)
optimizer("rmsprop_centered", "rmsprop", (9,), 8, 16, lr=0.02, alpha=0.7, centered=True, eps=1e-2)
optimizer("rmsprop_momentum", "rmsprop", (9,), 8, 17, lr=0.02, momentum=0.6, weight_decay=0.2)
optimizer("rmsprop_everything", "rmsprop", (2, 2), 8, 18, lr=0.02, alpha=0.5, eps=1e-1, weight_decay=0.2, momentum=0.9,
          centered=True, maximize=True)
optimizer("adagrad_defaults", "adagrad", (3, 3), 8, 19)
optimizer("adagrad_everything", "adagrad", (11,), 8, 20, lr=0.1, lr_decay=0.3, weight_decay=0.2,
          initial_accumulator_value=0.5, eps=1e-3, maximize=True)

torch.manual_seed(21)
clip("clip_not_reached", 100.0, torch.randn(3, 4), torch.randn(5))
clip("clip_reached_exactly", 5.0, torch.tensor([3.0]), torch.tensor([[4.0]]))
clip("clip_many", 0.5, *[torch.randn(n) for n in (1, 2, 17, 33)], torch.randn(2, 2, 2), torch.randn(()))
clip("clip_unequal_sizes", 1e-3, torch.randn(4) * 1e12, torch.randn(4) * 1e-12, torch.zeros(3))
clip("clip_zero", 1.0, torch.zeros(2, 3), torch.zeros(1))
clip("clip_infinite", math.inf, torch.randn(3))

embedding("embedding_one_id", torch.full((5, 3), 2), 4, 3)
embedding("embedding_repeated", torch.randint(0, 3, (7, 5)), 9, 6)
embedding("embedding_single", torch.zeros(1, 1, dtype=torch.int64), 1, 1)

cross_entropy("cross_entropy_ignored", torch.randn(11, 5), torch.tensor([0, 3, 4, 3, 3, 1, 0, 3, 2, 3, 3]), ignore_index=3)
cross_entropy("cross_entropy_padding", torch.randn(6, 3), torch.tensor([-1, 0, 2, -1, 1, -1]), ignore_index=-1)
cross_entropy("cross_entropy_one_counts", torch.randn(4, 7), torch.tensor([-100, -100, 6, -100]))
cross_entropy("cross_entropy_one", torch.randn(1, 2), torch.tensor([1]), both=False)
cross_entropy("cross_entropy_one_class", torch.randn(3, 1), torch.tensor([0, 0, 0]))
cross_entropy("cross_entropy_large", torch.randn(5, 33) * 500, torch.randint(0, 33, (5,)))

recurrent("rnn", "rnn_smallest", 1, 1, 1, 1, 22, nonlinearity="tanh")
recurrent("rnn", "rnn_unequal", 6, 5, 3, 7, 23, lengths=[2, 6, 1, 6, 3], nonlinearity="tanh")
recurrent("rnn", "rnn_unequal_bidirectional", 5, 4, 3, 5, 24, layers=2, bidirectional=True, lengths=[1, 5, 4, 2],
          nonlinearity="tanh")
recurrent("rnn", "rnn_three_layers_relu", 7, 3, 2, 17, 25, layers=3, lengths=[7, 4, 1], nonlinearity="relu")
recurrent("rnn", "rnn_saturated", 5, 2, 4, 6, 26, bidirectional=True, scale=30.0, nonlinearity="tanh")

for kind, seed in (("lstm", 27), ("gru", 35)):
    recurrent(kind, f"{kind}_smallest", 1, 1, 1, 1, seed)
    recurrent(kind, f"{kind}_zero_states", 4, 2, 5, 3, seed + 1, layers=2, states=False)
    recurrent(kind, f"{kind}_unequal", 6, 5, 3, 7, seed + 2, lengths=[2, 6, 1, 6, 3])
    recurrent(kind, f"{kind}_unequal_bidirectional", 5, 4, 1, 5, seed + 3, bidirectional=True, lengths=[1, 5, 4, 2])
    recurrent(kind, f"{kind}_three_layers", 4, 3, 2, 4, seed + 4, layers=3, bidirectional=True, lengths=[2, 4, 1],
              states=False)
    recurrent(kind, f"{kind}_wide", 2, 1, 16, 17, seed + 5)
    recurrent(kind, f"{kind}_saturated", 7, 2, 4, 6, seed + 6, scale=30.0)
for i, kind in enumerate(("textbook_lstm", "textbook_coupled_lstm", "textbook_peephole_lstm", "textbook_gru")):
    textbook(kind, f"{kind}_smallest", 1, 1, 1, 1, 43 + 4 * i)
    textbook(kind, f"{kind}_zero_states", 3, 2, 5, 1, 44 + 4 * i, states=False)
    textbook(kind, f"{kind}_odd", 9, 3, 2, 7, 45 + 4 * i)
    textbook(kind, f"{kind}_saturated", 4, 2, 3, 5, 46 + 4 * i, scale=4.0)

attention("attention_dot_one", "dot", 1, 1, 1, 1, 27)
attention("attention_dot_lengths", "dot", 4, 9, 17, 17, 28, lengths=[9, 1, 4, 8])
attention("attention_dot_sharp", "dot", 3, 7, 5, 5, 29, scale=300.0)
attention("attention_general_wide", "general", 2, 3, 33, 4, 30)
attention("attention_general_lengths", "general", 5, 6, 3, 8, 31, lengths=[1, 2, 3, 6, 5])
attention("attention_concat_lengths", "concat", 3, 11, 5, 16, 32, A=9, lengths=[3, 11, 1])
attention("attention_concat_saturated", "concat", 2, 4, 6, 3, 33, A=1, scale=50.0)
layer_norm("layer_norm_three_axes", (3, 2, 17), 34)
layer_norm("layer_norm_large_eps", (2, 5), 36, eps=0.5)
layer_norm("layer_norm_far_from_zero", (3, 33), 37, shift=1000.0)
layer_norm("layer_norm_tiny", (3, 6), 38, eps=1e-12, scale=1e-4)

conv2d("conv2d_one_place", (1, 1, 1, 1), 1, (1, 1), 50)
conv2d("conv2d_padding_only_around_one", (2, 3, 1, 1), 4, (3, 3), 51, padding=1)
conv2d("conv2d_whole_picture", (3, 2, 5, 4), 3, (5, 4), 52, bias=False)
conv2d("conv2d_wide_padding", (1, 2, 3, 2), 2, (2, 3), 53, stride=1, padding=4)
conv2d("conv2d_stride_beyond_kernel", (2, 3, 11, 8), 5, (2, 2), 54, stride=3, padding=1)
conv2d("conv2d_odd_kernel", (2, 17, 9, 13), 33, (5, 3), 55, stride=(2, 1), padding=(0, 2))
conv2d("conv2d_places", (3, 16, 6, 5), 32, (1, 1), 56, bias=False)
conv2d("conv2d_stride", (2, 19, 16, 17), 18, (3, 3), 57, stride=2, padding=1)
max_pool2d("max_pool2d_overlapping", (2, 3, 7, 9), 58, kernel_size=3, stride=1)
max_pool2d("max_pool2d_ties", (2, 2, 9, 8), 59, ties=True, kernel_size=3, stride=2)
max_pool2d("max_pool2d_padding", (1, 3, 6, 7), 60, kernel_size=(3, 2), stride=2, padding=1)
max_pool2d("max_pool2d_default_stride", (3, 1, 7, 5), 61, kernel_size=2)
max_pool2d("max_pool2d_one_place", (2, 3, 1, 1), 62, kernel_size=1, stride=1)
max_pool2d("max_pool2d_gaps", (1, 2, 10, 9), 63, kernel_size=2, stride=3)
spatial_attention("spatial_attention_one_region", 1, 1, 1, 1, 1, 64)
spatial_attention("spatial_attention_wide", 3, 49, 17, 33, 5, 65)
spatial_attention("spatial_attention_saturated", 2, 4, 3, 6, 8, 66, scale=4.0)
ctc("ctc_one_step", 1, 3, [[2], [1]], 67, blank=0)
ctc("ctc_last_blank", 7, 4, [[0, 1, 1], [2], [1, 0, 2, 1]], 68, input_lengths=[7, 1, 5], blank=3)
ctc("ctc_just_enough_steps", 5, 3, [[2, 2, 2], [1, 2, 1, 2, 1], [1, 1, 2]], 69, input_lengths=[5, 5, 4], blank=0)
ctc("ctc_nothing_said", 4, 5, [[], [1, 3]], 70, input_lengths=[4, 3], blank=0)
ctc("ctc_zero_infinity", 4, 5, [[1, 1, 1], [4, 2], [2, 3, 2, 3]], 71, input_lengths=[4, 4, 3], blank=0,
    zero_infinity=True)
ctc("ctc_sharp", 30, 9, [[8, 1, 1, 3, 5], [2, 7]], 72, input_lengths=[30, 17], scale=30.0, blank=0)
ctc("ctc_long", 50, 29, [[1 + (7 * i * i) % 28 for i in range(20)], [5] * 12], 73, blank=0)
