/** Words of the frame around the pages. */
export default {
  navigation: 'Pages',
  desk: 'Desk',
  mine: 'Mine',
  floor: 'Floor',
  callbacks: 'Callbacks',
  tickets: 'Tickets',
  customers: 'Customers',
  knowledge: 'Knowledge',
  qa: 'QA',
  reports: 'Reports',
  admin: 'Admin',
  try: 'Try it',
  light: {
    connecting: 'Connecting',
    live: 'Live',
    lost: 'Connection lost',
    lost_for: 'Connection lost for {time}: what is shown is from before',
  },
}
