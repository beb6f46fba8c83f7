"""Lab 05, The Parallelism Puzzle: nine model-cluster pairs, strategies and rules, and the class debate."""
