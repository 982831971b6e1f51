"""The whole appliance on one machine with no service installed beforehand: what ``kustos up`` is made of."""
