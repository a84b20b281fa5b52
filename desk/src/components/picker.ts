/** The picker of dates is a seventh of what a page loads, and seldom the first thing that is touched: it comes after the page. */
import { later } from '@/later'

const DateField = later(() => import('./DateField.vue'))
export default DateField
