"""The embedded media node: Kurento's protocol on GStreamer."""
