"""Who may do what: permissions, passwords, one-time codes and tokens."""
