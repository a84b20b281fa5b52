/** Words of the page mine. */
export default {
  title: '我的',
  parts: { calls: '通话与录音', scores: '成绩与申诉', bulletins: '通知' },
  call: '通话', one_call: '通话 {id}', offered: '来电时间', caller: '来电号码', withheld: '隐藏号码', queue: '队列', category: '分类', outcome: '结果', satisfaction: '满意度', recording: '录音', no_calls: '还没有通话',
  week: '本周', interval_text: '抽样估计：方括号内是 95% 区间，n 是已评通数。通数少时区间很宽。', scored_at: '评分时间', score: '得分', result: '结果', passed: '合格', not_passed: '不合格', fatal: '致命错误', state: '状态', no_scores: '还没有成绩',
  states: { draft: '评分中', submitted: '已评', second: '已双评', appealed: '申诉中', decided: '已裁定' },
  appeal: '申诉', appeal_text: '由没有评过这通电话的人重新评分。裁定后不能再申诉。', about: '针对的题目', appealed: '申诉已提交', appeal_stands: '{at} 申诉：{why}', decided: '已裁定：初评 {first}，裁定 {decision}',
  read: '我已阅读', read_at: '{at} 已阅读', no_bulletins: '没有通知',
}
