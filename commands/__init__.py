"""The commands of `daybreak`, each a short sentence that calls one room. The clock and the environment are read here."""
