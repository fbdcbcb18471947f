"""What a class handed in, however it was collected: folders, zip files, exports; and whose it is."""
