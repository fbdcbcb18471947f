"""What leaves this machine: the course for students, and autograders for Gradescope and nbgrader."""
