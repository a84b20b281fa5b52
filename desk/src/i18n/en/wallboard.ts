/** Words of the page wallboard. */
export default {
  title: 'Wallboard',
}
