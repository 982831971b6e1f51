"""Live media of sittings: who publishes, who watches, what is recorded."""
