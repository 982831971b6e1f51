"""From a node's file to sealed evidence."""
