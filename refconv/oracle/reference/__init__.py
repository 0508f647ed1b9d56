"""What is right: the reference of a case, by two formulas that share no code."""
