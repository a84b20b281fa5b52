"""What is made from recordings for the ear and the eye: Opus copies, peaks, marks. Begin with `workshop`."""
