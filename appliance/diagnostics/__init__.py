"""Why is there no picture? The appliance's checks of itself: what a step found, why, and what to do."""
