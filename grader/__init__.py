"""The judge: knows the tasks and their answers, and names a mistake only when it has computed it."""
