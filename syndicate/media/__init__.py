"""Files of pictures, sound and film: inspect them, make their renditions, put the stamp inside."""
