"""Who is asked: targets by name, public libraries, and processes of their own."""
