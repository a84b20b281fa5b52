/** Words of the page tickets. */
export default {
  title: 'Tickets',
}
