"""What keeps the course sound: the test command and the doctor. course.py hands over to it once .venv is ready."""
