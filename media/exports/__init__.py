"""Evidence of a sitting, made up to be handed over."""
