"""From boards to the warehouse: reads every source and appends what it tells to the log."""
