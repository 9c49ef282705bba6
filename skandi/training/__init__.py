"""Training and batched prediction: the only part of skandi that knows skorch."""
