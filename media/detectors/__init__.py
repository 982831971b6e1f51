"""One kind of observation a file: a detector scores a scene, a rule makes the incident."""
