"""What each finding means and when to doubt it: one table for the page, the manual and tests."""
