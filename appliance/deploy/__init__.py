"""Putting the appliance on the customer's hosts: bundles, inventories, and the one door to Ansible."""
