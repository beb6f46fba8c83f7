"""Part II: many machines as one. Collectives, training, faults and orchestration."""
