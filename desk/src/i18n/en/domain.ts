/** The hotline's usual names: queues, categories, states. */
export default {
  queue: { complaint: 'Complaint', inquiry: 'Inquiry', orders: 'Orders', partnership: 'Partnership', media: 'Media', nuisance: 'Nuisance', general: 'General', all: 'All queues' },
  category: {
    process: 'Process', system: 'System failure', competence: 'Competence', attitude: 'Attitude', usage: 'Own use', unreasonable: 'Unreasonable',
  },
  status: { available: 'Available', break: 'Break', signed_out: 'Signed out' },
  state: { idle: 'Idle', reserved: 'Reserved', ringing: 'Ringing', on_call: 'On a call', wrap_up: 'Wrap-up', occupied: 'Occupied' },
  call_state: {
    ivr: 'In the menu', waiting: 'Waiting', ringing: 'Ringing', talking: 'Talking', held: 'On hold', outside: 'Transferred out', survey: 'Survey',
  },
  grade: { general: 'General', serious: 'Serious', critical: 'Critical' },
  ticket_state: { new: 'New', dispatched: 'Dispatched', acknowledged: 'Acknowledged', in_progress: 'In progress', resolved: 'Resolved', followed_up: 'Followed up', closed: 'Closed' },
  outcome: {
    handled: 'Handled', abandoned: 'Abandoned', short_abandoned: 'Short abandon', in_ivr: 'Left in the menu', callback: 'Callback', message: 'Message',
    overflowed: 'Overflowed', failed: 'Failed', unreached: 'Not reached',
  },
  promise: {
    pending: 'Pending', dialling: 'Dialling', connected: 'Talking', kept: 'Kept', cancelled: 'Cancelled', expired: 'Expired', unconfirmed: 'To confirm',
    settled: 'Settled', broken: 'Broken',
  },
  source: {
    flow: 'Menu', queue: 'Queue', fallback: 'Fallback', line_full: 'Line full', api: 'By hand', agent: 'Agent', abandoned: 'Abandoned call', list: 'List',
    transfer: 'Failed transfer', shutdown: 'Shutdown', follow_up: 'Follow-up',
  },
  hold: { hold: 'Hold', consult: 'Consult', help: 'Help', transfer: 'In transfer', refused: 'Transfer refused' },
  break: { busy: 'Phone busy', no_answer: 'Calls not answered', declined: 'Calls declined', unregistered: 'Phone unreachable' },
  attempt: {
    busy: 'Busy', no_answer: 'No answer', rejected: 'Rejected', machine: 'Machine', unreachable: 'Unreachable', failed: 'Failed', hung_up: 'Hung up at once', short: 'Too short', agent_gone: 'Agent left', lost: 'Broken off', stopped: 'Stopped',
  },
  mode: { auto: 'Auto', on: 'On', off: 'Off' },
  question: { satisfied: 'Is it settled', reached: 'Was in touch', mark: 'Mark' },
  answer: { yes: 'Yes', no: 'No' },
  answered: '{question}: {answer}',
}
