#!/usr/bin/env -S cgpu run
"""Trains a small neural network on two interleaved spirals, with nothing but Python's standard library.

    cgpu run examples/train.py --epochs 200
"""
# /// cgpu
# outputs = ["model.json", "loss.svg"]
# ///
import argparse
import json
import math
import platform
import random
import time


def spirals(points, rng):
    """Two classes, each a spiral arm: ((x, y), 0 or 1)."""
    data = []
    for i in range(points):
        for label in (0, 1):
            radius = i / points
            angle = 3.5 * radius + label * math.pi + rng.gauss(0, 0.05)
            data.append(((radius * math.cos(angle), radius * math.sin(angle)), label))
    return data


class Network:
    """x, y -> hidden tanh units -> probability of class 1."""

    def __init__(self, hidden, rng):
        self.w1 = [[rng.gauss(0, 1.5) for _ in range(3)] for _ in range(hidden)]
        self.w2 = [rng.gauss(0, 0.5) for _ in range(hidden + 1)]

    def forward(self, point):
        hidden = [math.tanh(w[0] * point[0] + w[1] * point[1] + w[2]) for w in self.w1]
        score = sum(w * h for w, h in zip(self.w2, hidden)) + self.w2[-1]
        return hidden, 1 / (1 + math.exp(-max(-60.0, min(60.0, score))))

    def learn(self, point, label, rate):
        hidden, guess = self.forward(point)
        error = guess - label
        for i, (w, h) in enumerate(zip(self.w1, hidden)):
            back = error * self.w2[i] * (1 - h * h)
            self.w2[i] -= rate * error * h
            w[0] -= rate * back * point[0]
            w[1] -= rate * back * point[1]
            w[2] -= rate * back
        self.w2[-1] -= rate * error
        return -math.log(max(1e-12, guess if label else 1 - guess))


def draw(losses, path):
    """The loss over the epochs, as an SVG."""
    width, height, pad = 640, 360, 48
    top = max(losses)
    across = (width - 2 * pad) / max(1, len(losses) - 1)
    points = " ".join(
        "%.1f,%.1f" % (pad + i * across, height - pad - (height - 2 * pad) * loss / top)
        for i, loss in enumerate(losses)
    )
    with open(path, "w") as out:
        out.write(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">\n'
            f'<rect width="{width}" height="{height}" fill="white"/>\n'
            f'<path d="M{pad} {pad} V{height - pad} H{width - pad}" fill="none" stroke="#888"/>\n'
            f'<polyline points="{points}" fill="none" stroke="#1f6feb" stroke-width="2"/>\n'
            f'<text x="{width / 2:.0f}" y="{height - 14}" text-anchor="middle">epoch (1 to {len(losses)})</text>\n'
            f'<text x="{pad}" y="{pad - 16}">loss (from {losses[0]:.3f} to {losses[-1]:.3f})</text>\n'
            "</svg>\n"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--hidden", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()

    rng = random.Random(args.seed)
    data = spirals(200, rng)
    network = Network(args.hidden, rng)
    print(f"training on {platform.node()}, Python {platform.python_version()}, {len(data)} points", flush=True)
    started = time.time()
    losses = []
    for epoch in range(1, args.epochs + 1):
        rng.shuffle(data)
        losses.append(sum(network.learn(point, label, args.rate) for point, label in data) / len(data))
        if epoch == 1 or epoch % 10 == 0:
            right = sum((network.forward(point)[1] > 0.5) == bool(label) for point, label in data)
            print(f"epoch {epoch:3d}/{args.epochs}  loss {losses[-1]:.4f}  accuracy {right / len(data):.1%}", flush=True)

    with open("model.json", "w") as out:
        json.dump({"w1": network.w1, "w2": network.w2, "loss": losses[-1]}, out)
    draw(losses, "loss.svg")
    print(f"wrote model.json and loss.svg after {time.time() - started:.1f} s")


if __name__ == "__main__":
    main()
