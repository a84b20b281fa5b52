/** Words of the page qa. */
export default {
  title: '质检',
}
