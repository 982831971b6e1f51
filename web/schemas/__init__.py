"""What requests may say. A view gets a checked struct or is not called at all."""
