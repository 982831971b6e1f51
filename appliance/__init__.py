"""The domain and the box: no HTTP, no sockets, no Kurento, no dlib."""
