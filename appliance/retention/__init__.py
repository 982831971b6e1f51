"""How long data are kept, how they end, and one person's rights over them."""
