"""Operations: error budgets and alerts, replicas and releases, and what three years cost."""
