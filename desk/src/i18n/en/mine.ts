/** Words of the page mine. */
export default {
  title: 'Mine',
  parts: { calls: 'Calls', scores: 'Scores', bulletins: 'Bulletins' },
  call: 'Call', one_call: 'Call {id}', offered: 'Offered', caller: 'Caller', withheld: 'Withheld', queue: 'Queue', category: 'Category', outcome: 'Outcome', satisfaction: 'Rated', recording: 'Recordings', no_calls: 'No calls yet',
  week: 'This week', interval_text: 'Estimates of a sample: in brackets the 95% interval, n is the number of scored calls. With few calls the interval is wide.', scored_at: 'Scored at', score: 'Score', result: 'Result', passed: 'Passed', not_passed: 'Not passed', fatal: 'Fatal error', state: 'State', no_scores: 'No scores yet',
  states: { draft: 'Being scored', submitted: 'Scored', second: 'Scored twice', appealed: 'Appealed', decided: 'Decided' },
  appeal: 'Appeal', appeal_text: 'Somebody who has not scored the call scores it again. A decision is final.', about: 'About', appealed: 'The appeal is made', appeal_stands: 'Appealed {at}: {why}', decided: 'Decided: first score {first}, decision {decision}',
  read: 'I have read it', read_at: 'Read {at}', no_bulletins: 'No bulletins',
}
