"""Part IV: what it costs others. Sustainability, privacy, robustness and fairness."""
