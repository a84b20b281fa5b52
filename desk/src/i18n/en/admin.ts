/** Words of the page admin. */
export default {
  title: 'Administration',
}
