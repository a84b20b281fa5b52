/** Words of the page knowledge. */
export default {
  title: 'Knowledge',
}
