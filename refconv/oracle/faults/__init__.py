"""What is wrong: the faults that are known, each replayed, and where outputs are wrong."""
