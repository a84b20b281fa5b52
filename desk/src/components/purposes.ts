/** For what a recording may be heard; the audit keeps it. */
export const PURPOSES = ['complaint', 'review', 'coaching', 'quality', 'dispute', 'legal', 'subject', 'operations'] as const
export type Purpose = (typeof PURPOSES)[number]
