"""Pictures and sound: Kurento, recordings, frames, detectors."""
