"""Robustness: what adversarial training, certification, silent corruption and drift detection cost."""
