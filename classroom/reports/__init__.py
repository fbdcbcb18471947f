"""What is read of a graded class: a page for each student, the class at a glance, tables for course systems."""
