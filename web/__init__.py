"""What people and their browsers talk to: pages, REST API, the live gateway."""
