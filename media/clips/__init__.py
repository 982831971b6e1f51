"""Drawn webcam and screen clips for synthetic candidates: no real candidate's face is ever shipped."""
