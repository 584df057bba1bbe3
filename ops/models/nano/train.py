"""Trains one nano model: a small LLaMA on (question, answer) pairs, loss on the answer alone.

Run by recipe.mjs with the system's python3 (Debian: python3-torch, python3-sentencepiece, libopenblas0-pthread):
    python3 train.py --size lite|standard --corpus corpus.jsonl --out DIR --steps N [--seed 7] [--until-grow] [--grow-from LITE_DIR]
Writes DIR/weights.bin (float32), DIR/weights.json (where each tensor lies, shapes, vocabulary) for export.ts.
"""
import argparse, json, math, os, random, time

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import sentencepiece as spm
import torch
import torch.nn as nn
import torch.nn.functional as F

SIZES = {  # width, layers, heads, width of the feed-forward part, top learning rate
    "lite": (128, 4, 4, 352, 2.5e-3),
    "standard": (256, 6, 8, 704, 8e-4),
}
VOCABULARY = 1792
LONGEST = 128  # tokens; longer examples are left out of training
CONTEXT = 256  # tokens that the file promises; RoPE looks at distances, and few questions come near 128
PHRASE_TOKENS, PHRASE_KEPT, PHRASE_WHOLE = 12, 6, 0.3  # see shorten()
TOKENS_PER_BATCH = 1024
GROW_AT = 9200  # the step of a lite model that a standard model grows from
GROWTH_NOISE = 0.1  # relative to each tensor's own spread
BOS, EOS, USER, ASSISTANT = 1, 2, 3, 4
RMS_EPSILON = 1e-5


def train_tokenizer(rows, out):
    text = os.path.join(out, "tokenizer.txt")
    with open(text, "w") as file:
        for row in rows[:120000]:
            file.write(row["question"] + "\n" + row["answer"] + "\n")
            for turn in row["before"]:
                file.write(turn["heard"] + "\n")
    spm.SentencePieceTrainer.train(
        input=text, model_prefix=os.path.join(out, "tokenizer"), vocab_size=VOCABULARY, model_type="bpe",
        byte_fallback=True, character_coverage=1.0, split_digits=False, control_symbols=["<|user|>", "<|assistant|>"],
        normalization_rule_name="identity", remove_extra_whitespaces=False, num_threads=1, minloglevel=2)
    return spm.SentencePieceProcessor(model_file=os.path.join(out, "tokenizer.model"))


def encode(rows, tokenizer, chance):
    """Token ids of each example, and where its answer begins."""
    examples = []
    for row in rows:
        ids = [BOS]
        for turn in row["before"]:
            ids += [USER] + tokenizer.encode(turn["question"]) + [ASSISTANT] + tokenizer.encode(turn["heard"]) + [EOS]
        ids += [USER] + tokenizer.encode(row["question"]) + [ASSISTANT]
        start = len(ids)
        ids += shorten(tokenizer.encode(row["answer"]) + [EOS], row["answer"], chance)
        if len(ids) <= LONGEST:
            examples.append((np.array(ids, dtype=np.int64), start))
    return examples


def shorten(answer, text, chance):
    """Set phrases are decided by their first words; most examples need no more of them, and training is a third faster."""
    if text.startswith("<") or len(answer) <= PHRASE_TOKENS or chance.random() < PHRASE_WHOLE:
        return answer
    return answer[:PHRASE_KEPT]


def batches(examples, seed):
    """Endless batches of examples of about the same length, so that little is padding."""
    chance = random.Random(seed)
    while True:
        order = list(range(len(examples)))
        chance.shuffle(order)
        for at in range(0, len(order), 4096):
            chunk = sorted(order[at:at + 4096], key=lambda i: len(examples[i][0]))
            made, batch = [], []
            for index in chunk:
                batch.append(index)
                if len(batch) * len(examples[index][0]) >= TOKENS_PER_BATCH:
                    made.append(batch)
                    batch = []
            chance.shuffle(made)
            for batch in made:
                yield collate([examples[i] for i in batch])


def collate(batch):
    longest = max(len(ids) for ids, _ in batch)
    tokens = np.zeros((len(batch), longest), dtype=np.int64)
    weight = np.zeros((len(batch), longest), dtype=np.float32)
    for row, (ids, start) in enumerate(batch):
        tokens[row, :len(ids)] = ids
        weight[row, start:len(ids)] = (len(ids) - start) ** -0.6  # long set phrases shall not drown the calls
    return torch.from_numpy(tokens[:, :-1]), torch.from_numpy(tokens[:, 1:]), torch.from_numpy(weight[:, 1:])


class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + RMS_EPSILON) * self.weight


def rotate(x, cos, sin):
    """RoPE on neighbouring pairs, as llama.cpp does for the architecture "llama": no permutation at export."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class Block(nn.Module):
    def __init__(self, width, heads, inner):
        super().__init__()
        linear = lambda a, b: nn.Linear(a, b, bias=False)
        self.heads = heads
        self.attn_norm, self.ffn_norm = RmsNorm(width), RmsNorm(width)
        self.attn_q, self.attn_k, self.attn_v = linear(width, width), linear(width, width), linear(width, width)
        self.attn_output = linear(width, width)
        self.ffn_gate, self.ffn_up, self.ffn_down = linear(width, inner), linear(width, inner), linear(inner, width)

    def forward(self, x, mask, cos, sin):
        n, length, width = x.shape
        split = lambda y: y.view(n, length, self.heads, -1).transpose(1, 2)
        h = self.attn_norm(x)
        q, k, v = rotate(split(self.attn_q(h)), cos, sin), rotate(split(self.attn_k(h)), cos, sin), split(self.attn_v(h))
        score = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + mask
        x = x + self.attn_output((score.softmax(-1) @ v).transpose(1, 2).reshape(n, length, width))
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))


class Nano(nn.Module):
    def __init__(self, width, layers, heads, inner):
        super().__init__()
        self.token_embd = nn.Embedding(VOCABULARY, width)
        self.blk = nn.ModuleList(Block(width, heads, inner) for _ in range(layers))
        self.output_norm = RmsNorm(width)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, 0, 0.02)
        half = width // heads // 2
        angle = torch.outer(torch.arange(CONTEXT).float(), 10000.0 ** (-torch.arange(half).float() / half))
        self.cos, self.sin = angle.cos(), angle.sin()
        self.mask = torch.full((CONTEXT, CONTEXT), float("-inf")).triu(1)

    def hidden(self, tokens):
        length = tokens.shape[1]
        x = self.token_embd(tokens)
        for block in self.blk:
            x = block(x, self.mask[:length, :length], self.cos[:length], self.sin[:length])
        return self.output_norm(x)

    def loss(self, tokens, targets, weight):
        """Only answer positions meet the vocabulary: the rest of the logits would be thrown away."""
        wanted = weight > 0
        logits = self.hidden(tokens)[wanted] @ self.token_embd.weight.T
        each = F.cross_entropy(logits, targets[wanted], reduction="none")
        return (each * weight[wanted]).sum() / weight[wanted].sum()


def grown(small, layers):
    """A model twice as wide and `layers` deep that computes what the small one does (Chen et al., Net2Net, arXiv:1511.05641).

    Every channel is doubled: the residual stream is [x, x] / sqrt(2), which RmsNorm reads as [n, n]; heads and inner neurons are
    doubled too; added layers begin silent. A little noise lets the twins part.
    """
    state, big = small.state_dict(), {}
    for name, value in state.items():
        if value.dim() == 1:
            big[name] = torch.cat([value, value]) / (math.sqrt(2) if name == "output_norm.weight" else 1)
        elif name == "token_embd.weight":
            big[name] = torch.cat([value, value], 1) / math.sqrt(2)
        else:
            into_stream = name.endswith(("attn_output.weight", "ffn_down.weight"))
            big[name] = value.repeat(2, 2) / 2 / (math.sqrt(2) if into_stream else 1)
    for name, value in big.items():
        if value.dim() == 2:
            value.add_(torch.randn_like(value) * value.std() * GROWTH_NOISE)
    for layer in range(len(small.blk), layers):
        for part, norm in (("attn_norm", 1.0), ("ffn_norm", 1.0)):
            big[f"blk.{layer}.{part}.weight"] = torch.full_like(big[f"blk.0.{part}.weight"], norm)
        for part in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
            like = big[f"blk.0.{part}.weight"]
            big[f"blk.{layer}.{part}.weight"] = torch.randn_like(like) * (0.0 if part in ("attn_output", "ffn_down") else 0.02)
    return big


def train(model, stream, steps, last, top_rate, out):
    """Cosine learning rate over `steps`; ends at step `last`. A slow machine takes longer and makes the same model."""
    decay = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}],
                                  lr=top_rate, betas=(0.9, 0.98), eps=1e-9, foreach=True)
    began, seen, running = time.time(), 0, 0.0
    for step in range(1, last + 1):
        rate = top_rate * min(1, step / 150) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        tokens, targets, weight = next(stream)
        loss = model.loss(tokens, targets, weight)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seen += tokens.numel()
        running += loss.item()
        if step % 100 == 0:
            print(f"step {step}/{steps} loss {running / 100:.4f} tokens/s {seen / (time.time() - began):.0f}"
                  f" seconds {time.time() - began:.0f}", flush=True)
            running = 0.0
        if step % 200 == 0:
            torch.save(model.state_dict(), os.path.join(out, "checkpoint.pt"))  # a look at the model while it trains
        if step == GROW_AT:
            torch.save(model.state_dict(), os.path.join(out, "grow.pt"))
    # CPU time is the figure to compare: other work on the machine stretches the wall clock, not what the training costs.
    print(f"ended at step {last} after {(time.time() - began) / 60:.1f} minutes, {time.process_time() / 60:.1f} of them CPU time of the whole run", flush=True)


def save(model, tokenizer, size, out):
    width, layers, heads, inner, _ = SIZES[size]
    tensors = {}
    with open(os.path.join(out, "weights.bin"), "wb") as file:
        for name, value in model.state_dict().items():
            tensors[name] = {"offset": file.tell(), "shape": list(value.shape)}
            file.write(value.numpy().astype("<f4").tobytes())
    kind = lambda i: 2 if tokenizer.is_unknown(i) else 3 if tokenizer.is_control(i) else 6 if tokenizer.is_byte(i) else 1
    ids = range(tokenizer.get_piece_size())
    described = {
        "size": size, "width": width, "layers": layers, "heads": heads, "inner": inner, "context": CONTEXT, "epsilon": RMS_EPSILON,
        "tensors": tensors, "tokens": [tokenizer.id_to_piece(i) for i in ids],
        "scores": [tokenizer.get_score(i) for i in ids], "types": [kind(i) for i in ids],
    }
    with open(os.path.join(out, "weights.json"), "w") as file:
        json.dump(described, file)


def tokenizer_for(options, rows):
    """A grown model keeps the tokenizer of the model it grew from."""
    if not options.grow_from:
        return train_tokenizer(rows, options.out)
    return spm.SentencePieceProcessor(model_file=os.path.join(options.grow_from, "tokenizer.model"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=SIZES, required=True)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--until-grow", action="store_true", help="end once grow.pt is written: all that a standard model needs")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--grow-from", help="directory of a lite model to start from, tokenizer included")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    os.makedirs(options.out, exist_ok=True)
    with open(options.corpus) as file:
        rows = [json.loads(line) for line in file]
    tokenizer = tokenizer_for(options, rows)
    examples = encode(rows, tokenizer, random.Random(options.seed))
    width, layers, heads, inner, top_rate = SIZES[options.size]
    model = Nano(width, layers, heads, inner)
    if options.grow_from:
        small = Nano(*SIZES["lite"][:4])
        small.load_state_dict(torch.load(os.path.join(options.grow_from, "grow.pt")))
        model.load_state_dict(grown(small, layers))
    lengths = [len(ids) for ids, _ in examples]
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(examples)} examples, mean length {np.mean(lengths):.1f} tokens", flush=True)
    last = min(GROW_AT, options.steps) if options.until_grow else options.steps
    train(model, batches(examples, options.seed), options.steps, last, top_rate, options.out)
    save(model, tokenizer, options.size, options.out)


if __name__ == "__main__":
    main()
