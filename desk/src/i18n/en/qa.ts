/** Words of the page qa. */
export default {
  title: 'QA',
}
