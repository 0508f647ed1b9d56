"""What is asked: cases, their numbers, their kinds, and the suites of them."""
