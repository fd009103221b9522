"""Review: the queue and its claims, decisions, second look, appeals, agreement, sampling plans."""
