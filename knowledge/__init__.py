"""What agents should know: bulletins, notices, articles and cases, and how they are found."""
