"""What a plant writes beside its rows: notes, and a few columns of its own."""
