/** What articles are, and the hotline's usual queues; an operator's own queue is written as it is. */
export const KINDS = ['article', 'case', 'script'] as const
export const QUEUES = ['complaint', 'inquiry', 'orders', 'partnership', 'media'] as const
