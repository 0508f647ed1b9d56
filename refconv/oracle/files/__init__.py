"""Cases as files: a case folder, a folder of those, and the formats in them."""
