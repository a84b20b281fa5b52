/** Words of the page reports. */
export default {
  title: 'Reports',
  parts: { day: 'Day', week: 'Week', month: 'Month', range: 'Range', shift: 'Shift', hourly: 'Hourly sheet', complaints: 'Complaints', callback: 'Callback', book: 'Hand-over', exports: 'Exports' },
  lists: { intervals: 'Intervals', queues: 'Queues', categories: 'Categories', agents: 'Agents', teams: 'Teams', departments: 'Departments', dispatchers: 'Dispatchers', answers: 'Follow-up answers', days: 'Days' },
  day: 'Day', days: 'Days', shift: 'Shift', interval: 'Interval', minutes: '{count} minutes', within: 'T of the service level (s)', repeat_days: 'N of repeat calls (days)', figure: 'Figure', chart_of: '{figure}, by interval',
  broken_down: 'Broken down by', formulas: 'Formulas', total: 'Total', belongs: 'A call belongs to the interval in which it was offered and to the queue that it reached last', none_named: '(none)', whole: '{category} (all)', no_part: '{category} (no part named)',
  call: 'Call', offered: 'Offered', caller: 'Caller', withheld: 'Withheld', queue: 'Queue', category: 'Category', agent: 'Agent', outcome: 'Outcome', satisfaction: 'Rated', team: 'Team', house: 'All teams', state: 'State',
  exact: '{count} calls, counted as the figure counts', base: '{count} calls, of which the figure is made', rows: 'made of {count} rows', not_whole: '({count} of them are shown)', unseen: '({count} of them are beyond your role)', row: 'Row', at: 'At', no_calls: 'No calls',
  export: 'Export', export_text: 'Another person has to allow it; then it can be fetched for 24 hours.', export_ready: 'Export {id} can be fetched', export_waits: 'Export {id} waits for an approval', format: 'Format', kind: 'What',
  asked_by: 'Asked by', asked_at: 'Asked at', approve: 'Approve', refuse: 'Refuse', download: 'Download', no_exports: 'No exports',
  export_state: { waiting: 'Waits for approval', approved: 'Can be fetched', refused: 'Refused', expired: 'Expired' },
  behind: { call: 'Call', ticket: 'Ticket', round: 'Ticket', dispatch: 'Dispatch', recording: 'Recording', promise: 'Callback', score: 'Score', time: 'Time', offer: 'Offer of a callback', attempt: 'Attempt', sound: 'One-way sound' },
  recording_state: { started: 'recording', closed: 'closed', missing: 'missing' },
  silent: { agent: 'no sound from the agent', caller: 'no sound from the caller' },
  complaints: { complaints: 'Complaints', before: 'Month before', share: 'Share', before_was: 'month before {count}' },
  promise: {
    offered: 'Offered', accepted: 'Accepted', promised: 'Promised', connected: 'Connected', kept: 'Kept', broken: 'Broken', expired: 'Expired', cancelled: 'Cancelled', open: 'Open', unconfirmed: 'Unconfirmed', attempts: 'Attempts', abandoned_by_us: 'Given up by us',
    wait_p50: 'Wait p50', wait_p90: 'Wait p90', wait_max: 'Longest wait',
  },
  promise_formula: {
    offered: 'times that a callback was offered to a caller', accepted: 'times that a caller took it and left a number', promised: 'promises made in the period', connected: 'of these promises, those whose caller was reached', kept: 'of these promises, those that were kept', broken: 'of these promises, those that were broken', expired: 'of these promises, those that expired',
    cancelled: 'of these promises, those that were cancelled', open: 'of these promises, those without a result yet', unconfirmed: 'promises of which it is not certain that they were made', attempts: 'calls placed for these promises', abandoned_by_us: 'times that a caller answered and no agent was joined',
  },
  book: {
    open: 'Not signed', handed_over: 'Handed over', taken_over: 'Taken over', outgoing: 'Outgoing', incoming: 'Incoming', not_signed: 'not signed', sign_outgoing: 'Sign as outgoing', sign_incoming: 'Sign as incoming', signed: 'Signed', sign_text: 'What is signed stays as it is, with its SHA-256.',
    another: 'You signed as the outgoing leader: another leader takes the shift over.', matters: '{count} open tickets', promises: '{count} promises to be kept', missing: '{count} recordings missing or faulty', recording: 'Recording {id}, call {call}', chains: 'Ends of the chains of recordings', list: 'Signed books', none: 'No book was signed yet',
  },
  book_figure: {
    calls: 'Calls', asked: 'Asked for an agent', answered: 'Answered', abandoned: 'Abandoned', connect_rate: 'Connect rate', service_level: 'Service level', aht: 'Handling time', satisfaction: 'Satisfaction', complaints_opened: 'Complaints opened', tickets_settled: 'Tickets settled',
    recordings: 'Recordings', recordings_missing: 'Recordings missing', alarms: 'Alarms',
  },
  ticket: 'Ticket', grade: 'Grade', owner: 'Owner', due: 'Due', overdue: 'Overdue',
}
