"""The learner's own folder, my_course: copies of the notebooks to write in, kept up to date without losing a word."""
