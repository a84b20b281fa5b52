"""Quality assurance 质检: which calls are listened to, how they are scored, what the scores say. Nothing here does I/O.

Begin with `plans` (what a sample is drawn from) and `draw` (the sample). `forms` are the questions, `scores` makes a
score of a reviewer's marks, `reviews` has the steps of one call's review, `appeals` and `calibration` what other
reviewers say of it, `rollup` how results go up and become training. `estimates` and `agreement` are the figures,
`intervals` their arithmetic, `events` what the log has.
"""
