"""Documents of the check-in: the machine readable zone, the printed name, and whether it is the declared one."""
