"""The media node under load: what a sitting costs, what is lost, what stays behind."""
