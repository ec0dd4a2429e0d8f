"""When assets are to be made by themselves: conditions, evaluated as a pure function of what is known."""
