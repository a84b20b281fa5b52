/** Words of the page knowledge. */
export default {
  title: '知识库',
}
