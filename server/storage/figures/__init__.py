"""The figures of reports: what is counted (`counts`), and which figure follows by which formula (`catalogue`)."""
