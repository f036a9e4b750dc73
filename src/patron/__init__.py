"""patron: who is about to leave, what each customer is worth, and what is worth doing about it."""
