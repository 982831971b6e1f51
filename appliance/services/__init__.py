"""What people and machines do here: one act a function, each in the caller's transaction."""
