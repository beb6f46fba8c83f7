"""Privacy: what differentially private training guarantees and costs, and what secure serving adds."""
