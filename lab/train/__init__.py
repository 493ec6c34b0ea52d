"""Training: recipes, data, losses and the trainer. Nothing that infers imports this."""
