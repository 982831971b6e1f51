"""Views: one service call and a presenter each. They import no SQLAlchemy."""
