#!/usr/bin/python3
"""PyTorch's side of against_pytorch, which gives it its environment (threads, libraries); one process, one result.

    pytorch_side.py CASE --threads N --seconds S    the case timed: {"ms": median of a step, "ms_min": ..., "steps": ...}
    pytorch_side.py CASE --check FILE               loss and gradient norm from the weights that `bench weights` wrote

B = batch, T = time steps, H = hidden size, V = characters. A training step: zero gradients, forward, loss, backward,
clipping to a norm of 5, Adam; sample-H draws 1,000 characters one after the other instead. wordlm: V = words, clipping
to 0.25, plain SGD. seq2seq, greedy and greedy32 have sizes of their own, and H = 256 where no number is given; caption
has sizes of its own."""
import argparse
import json
import statistics
import struct
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

V, T, B, CHARACTERS = 65, 64, 32, 1000
OPERATIONS = ("conv2d", "ctc")
WORDS, WORD_T, WORD_B, WORD_H = 33278, 35, 20, 200
TRANSLATORS = ("seq2seq", "greedy", "greedy32")


class ComposedLstm(nn.Module):
    """An LSTM from elementary operations, one matrix W [4H, H+H] on [h, x] with the book's rows f, i, C~, o. With
    diagonal peepholes P [3, H] the gates f and i see C_{t-1}, and o sees C_t."""

    def __init__(self, H, peephole):
        super().__init__()
        self.H, self.W = H, nn.Linear(2 * H, 4 * H)
        self.P = nn.Parameter(torch.zeros(3, H)) if peephole else None

    def forward(self, x):  # [T, B, H]
        h = C = x.new_zeros(x.shape[1], self.H)
        states = []
        for x_t in x.unbind(0):
            f, i, candidate, o = self.W(torch.cat((h, x_t), dim=1)).split(self.H, dim=1)
            if self.P is not None:
                f, i = f + self.P[0] * C, i + self.P[1] * C
            C = torch.sigmoid(f) * C + torch.sigmoid(i) * torch.tanh(candidate)
            if self.P is not None:
                o = o + self.P[2] * C
            h = torch.sigmoid(o) * torch.tanh(C)
            states.append(h)
        return torch.stack(states), None


class LanguageModel(nn.Module):
    def __init__(self, kind, H, V=V):
        super().__init__()
        layers, dropout = (2, 0.2) if kind in ("lstm2", "wordlm") else (1, 0.0)
        self.embedding, self.out, self.dropout = nn.Embedding(V, H), nn.Linear(H, V), nn.Dropout(dropout)
        if kind in ("loop", "peephole"):
            self.layer = ComposedLstm(H, kind == "peephole")
        else:
            make = {"rnn": nn.RNN, "gru": nn.GRU}.get(kind, nn.LSTM)
            self.layer = make(H, H, num_layers=layers, dropout=dropout)

    def loss(self, inputs, targets):  # [T, B] both
        h, _ = self.layer(self.dropout(self.embedding(inputs)))
        return F.cross_entropy(self.out(self.dropout(h)).flatten(0, 1), targets.reshape(-1))


def training_step(kind, H):
    model = LanguageModel(kind, H)
    inputs, targets = torch.randint(V, (2, T, B))
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step():
        adam.zero_grad(set_to_none=True)
        model.loss(inputs, targets).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        adam.step()

    return step


def word_step():
    model = LanguageModel("wordlm", WORD_H, WORDS)
    inputs, targets = torch.randint(WORDS, (2, WORD_T, WORD_B))
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)

    def step():
        sgd.zero_grad(set_to_none=True)
        model.loss(inputs, targets).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        sgd.step()

    return step


def sampling(H):
    model = LanguageModel("lstm", H)

    @torch.no_grad()
    def sample():
        character, state = torch.zeros(1, 1, dtype=torch.long), None
        for _ in range(CHARACTERS):
            h, state = model.layer(model.embedding(character), state)
            character = torch.multinomial(torch.softmax(model.out(h[0]), dim=1), num_samples=1)

    return sample


def operation(kind, inputs=None):
    """One operation: a step that gives its loss, and its inputs by name, those drawn or those given."""
    if kind == "conv2d":
        x = inputs or {"x": torch.randn(32, 64, 32, 32), "W": torch.randn(64, 64, 3, 3), "b": torch.randn(64),
                       "upstream": torch.randn(32, 64, 32, 32)}
        wanted = ("x", "W", "b")
    else:
        x = inputs or {"logits": torch.randn(200, 16, 29), "targets": torch.randint(1, 29, (16, 30)),
                       "input_lengths": torch.full((16,), 200), "target_lengths": torch.full((16,), 30)}
        wanted = ("logits",)
    for name in wanted:
        x[name].requires_grad_()

    def step():
        for name in wanted:
            x[name].grad = None
        if kind == "conv2d":
            loss = (F.conv2d(x["x"], x["W"], x["b"], padding=1) * x["upstream"]).sum()
        else:
            loss = F.ctc_loss(F.log_softmax(x["logits"], 2), x["targets"], x["input_lengths"], x["target_lengths"])
        loss.backward()
        return loss

    return step, {name: x[name] for name in wanted}


class Translator(nn.Module):
    """Luong's decoder with input feeding and the general score; WORDS on both sides."""

    WORDS, T = 8000, 20

    def __init__(self, H):
        super().__init__()
        self.source, self.target = nn.Embedding(self.WORDS, H), nn.Embedding(self.WORDS, H)
        self.encoder, self.decoder = nn.LSTM(H, H), nn.LSTMCell(2 * H, H)
        self.attention = nn.Linear(H, H, bias=False)
        self.combine, self.out = nn.Linear(2 * H, H), nn.Linear(H, self.WORDS)

    def encode(self, source):  # [S, B] to states and keys [B, S, H], and the decoder's first state
        states, (h, C) = self.encoder(self.source(source))
        states = states.transpose(0, 1).contiguous()
        return states, self.attention(states), h[0], C[0], torch.zeros_like(h[0])

    def step(self, y, states, keys, h, C, fed):
        h, C = self.decoder(torch.cat((y, fed), dim=1), (h, C))
        alpha = torch.softmax(torch.bmm(keys, h.unsqueeze(2)).squeeze(2), dim=1)
        context = torch.bmm(alpha.unsqueeze(1), states).squeeze(1)
        return h, C, torch.tanh(self.combine(torch.cat((context, h), dim=1)))

    def loss(self, source, inputs, targets):
        states, keys, h, C, fed = self.encode(source)
        seen = []
        for y in self.target(inputs).unbind(0):
            h, C, fed = self.step(y, states, keys, h, C, fed)
            seen.append(fed)
        return F.cross_entropy(self.out(torch.stack(seen)).view(-1, self.WORDS), targets.reshape(-1))

    @torch.no_grad()
    def write(self, source):
        states, keys, h, C, fed = self.encode(source)
        words = torch.zeros(source.shape[1], dtype=torch.long)
        for _ in range(self.T):
            h, C, fed = self.step(self.target(words), states, keys, h, C, fed)
            words = self.out(fed).argmax(dim=1)


def translator_step(kind, H):
    model = Translator(H)
    B = {"seq2seq": 64, "greedy": 1, "greedy32": 32}[kind]
    source, inputs, targets = torch.randint(model.WORDS, (3, model.T, B))
    if kind != "seq2seq":
        return lambda: model.write(source)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step():
        adam.zero_grad(set_to_none=True)
        model.loss(source, inputs, targets).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        adam.step()

    return step


def timed(step, seconds):
    for _ in range(2):
        step()
    ms, end = [], time.perf_counter() + seconds
    while len(ms) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        ms.append(1e3 * (time.perf_counter() - start))
    return {"ms": statistics.median(ms), "ms_min": min(ms), "steps": len(ms)}


def read_safetensors(path):
    types = {"F32": (torch.float32, 4), "I64": (torch.int64, 8)}
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            dtype, width = types[entry["dtype"]]
            begin, end = entry["data_offsets"]
            flat = torch.frombuffer(data, dtype=dtype, offset=begin, count=(end - begin) // width)
            tensors[name] = flat.view(entry["shape"])
    return tensors


# PyTorch's gates from ours, which stand in the book's order; its z weights the old state, the book's the candidate.
ORDERS = {
    "rnn": lambda W: W,
    "lstm": lambda W: torch.cat([W.chunk(4)[k] for k in (1, 0, 2, 3)]),  # f, i, C~, o
    "gru": lambda W: torch.cat((W.chunk(3)[1], -W.chunk(3)[0], W.chunk(3)[2])),  # z, r, h~
}


def check_translator(path):
    ours = read_safetensors(path)
    state = {"source.weight": ours["source.E"], "target.weight": ours["target.E"],
             "attention.weight": ours["attention.W_a"],
             "combine.weight": ours["combine.W"], "combine.bias": ours["combine.b"],
             "out.weight": ours["out.W"], "out.bias": ours["out.b"]}
    for name, suffix in (("encoder", "_l0"), ("decoder", "")):
        b = ORDERS["lstm"](ours[f"{name}.layer0.b"])
        state.update({f"{name}.weight_ih{suffix}": ORDERS["lstm"](ours[f"{name}.layer0.W_xh"]),
                      f"{name}.weight_hh{suffix}": ORDERS["lstm"](ours[f"{name}.layer0.W_hh"]),
                      f"{name}.bias_ih{suffix}": b, f"{name}.bias_hh{suffix}": torch.zeros_like(b)})
    model = Translator(ours["source.E"].shape[1])
    model.load_state_dict(state)
    loss = model.loss(ours["source"], ours["inputs"], ours["targets"])
    loss.backward()
    return {"loss": loss.item(), "gradient_norm": model.source.weight.grad.norm().item()}


class Captioner(nn.Module):
    """A CNN to 8 x 8 regions of 64 numbers, an LSTM with Bahdanau's attention over them; logits of all steps in one product."""

    V, H, T, B = 1000, 256, 12, 32

    def __init__(self):
        super().__init__()
        H, channels, layers = self.H, (3, 32, 64, 64), []
        for a, b in zip(channels, channels[1:]):
            layers += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.cnn, self.embedding, self.start = nn.Sequential(*layers), nn.Embedding(self.V, H), nn.Linear(64, 2 * H)
        self.side, self.query, self.score = nn.Linear(64, H), nn.Linear(H, H), nn.Linear(H, 1)
        self.decoder, self.out = nn.LSTMCell(H + 64, H), nn.Linear(H, self.V)

    def loss(self, pictures, inputs, targets):
        regions = self.cnn(pictures).flatten(2).transpose(1, 2).contiguous()
        h, c = torch.tanh(self.start(regions.mean(1))).chunk(2, 1)
        side, states = self.side(regions), []
        for word in self.embedding(inputs).unbind(0):
            weights = torch.softmax(self.score(torch.tanh(side + self.query(h).unsqueeze(1))), 1)
            h, c = self.decoder(torch.cat([word, (weights * regions).sum(1)], 1), (h, c))
            states.append(h)
        return F.cross_entropy(self.out(torch.stack(states)).flatten(0, 1), targets.reshape(-1))


def caption_step():
    model = Captioner()
    pictures = torch.randn(model.B, 3, 64, 64)
    inputs, targets = torch.randint(model.V, (2, model.T, model.B))
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step():
        adam.zero_grad(set_to_none=True)
        model.loss(pictures, inputs, targets).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        adam.step()

    return step


def check_captioner(path):
    ours, lstm = read_safetensors(path), ORDERS["lstm"]
    b = lstm(ours["cell.b"])
    state = {"embedding.weight": ours["embedding.E"], "start.weight": ours["start.W"], "start.bias": ours["start.b"],
             "side.weight": ours["attention.W_v"], "side.bias": ours["attention.b_a"],
             "query.weight": ours["attention.W_h"], "query.bias": torch.zeros_like(ours["attention.b_a"]),
             "score.weight": ours["attention.w_a"].unsqueeze(0), "score.bias": torch.zeros(1),
             "decoder.weight_ih": lstm(torch.cat([ours["word.W"], ours["cell.W_xh"]], 1)), "decoder.weight_hh": lstm(ours["cell.W_hh"]),
             "decoder.bias_ih": b, "decoder.bias_hh": torch.zeros_like(b), "out.weight": ours["out.W"], "out.bias": ours["out.b"]}
    for i in range(3):
        state.update({f"cnn.{3 * i}.weight": ours[f"conv{i}.W"], f"cnn.{3 * i}.bias": ours[f"conv{i}.b"]})
    model = Captioner()
    model.load_state_dict(state)
    loss = model.loss(ours["pictures"], ours["inputs"], ours["targets"])
    loss.backward()
    return {"loss": loss.item(), "gradient_norm": model.embedding.weight.grad.norm().item(),
            "gradient norm of the first kernels": model.cnn[0].weight.grad.norm().item()}


def check(kind, path):
    if kind == "caption":
        return check_captioner(path)
    if kind in TRANSLATORS:
        return check_translator(path)
    ours = read_safetensors(path)
    if kind in OPERATIONS:
        step, inputs = operation(kind, ours)
        return {"loss": step().item(), **{f"gradient norm of {name}": x.grad.norm().item() for name, x in inputs.items()}}
    cells = [{name.split(".")[2]: W for name, W in ours.items() if name.startswith(f"rnn.layer{layer}.")}
             for layer in range(2 if kind in ("lstm2", "wordlm") else 1)]
    state = {"embedding.weight": ours["embedding.E"], "out.weight": ours["out.W"], "out.bias": ours["out.b"]}
    if kind in ("loop", "peephole"):
        cell = cells[0]
        state["layer.W.weight"] = cell["W"] if kind == "loop" else torch.cat((cell["W_hh"], cell["W_xh"]), dim=1)
        state["layer.W.bias"] = cell["b"]
        if kind == "peephole":
            state["layer.P"] = torch.stack([cell["P_f"], cell["P_i"], cell["P_o"]])
    else:
        order = ORDERS.get(kind, ORDERS["lstm"])
        for layer, cell in enumerate(cells):
            b = cell["b_h" if kind == "rnn" else "b"]
            b_hh = torch.zeros_like(b)
            if kind == "gru":
                b_hh[-len(cell["b_hh"]):] = cell["b_hh"]
            state.update({f"layer.weight_ih_l{layer}": order(cell["W_xh"]), f"layer.bias_ih_l{layer}": order(b),
                          f"layer.weight_hh_l{layer}": order(cell["W_hh"]), f"layer.bias_hh_l{layer}": b_hh})
    V, H = ours["embedding.E"].shape
    model = LanguageModel(kind, H, V)
    model.load_state_dict(state)
    model.eval()  # no dropout
    loss = model.loss(ours["inputs"], ours["targets"])
    loss.backward()
    return {"loss": loss.item(), "gradient_norm": model.embedding.weight.grad.norm().item()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("case")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--check", metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    kind, _, size = arguments.case.partition("-")
    if arguments.check:
        result = check("lstm" if kind == "sample" else kind, arguments.check)
    elif kind in OPERATIONS:
        result = timed(operation(kind)[0], arguments.seconds)
    elif kind in TRANSLATORS:
        result = timed(translator_step(kind, int(size or 256)), arguments.seconds)
    else:
        step = caption_step() if kind == "caption" else word_step() if kind == "wordlm" else \
            sampling(int(size)) if kind == "sample" else training_step(kind, int(size))
        result = timed(step, arguments.seconds)
    json.dump(result, sys.stdout)
