"""The URL map: whose route, method, address, permission, view, and what a request may say. A file a side."""
