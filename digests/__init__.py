"""From the warehouse to an inbox: who is told what, when, and why. Imports the warehouse only."""
