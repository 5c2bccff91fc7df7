/** The statuses of answers to administrators; a closed set, for metrics. `other`: any other status. */
export const adminStatuses = [
  '200',
  '201',
  '202',
  '400',
  '401',
  '403',
  '404',
  '409',
  '413',
  '415',
  '429',
  '500',
  '503',
  'other',
] as const

export type AdminStatus = (typeof adminStatuses)[number]

/** Requests by status. */
export type AdminCounts = Record<AdminStatus, number>

export function createAdminCounts(): AdminCounts {
  return {
    200: 0,
    201: 0,
    202: 0,
    400: 0,
    401: 0,
    403: 0,
    404: 0,
    409: 0,
    413: 0,
    415: 0,
    429: 0,
    500: 0,
    503: 0,
    other: 0,
  }
}

/** Counts an answer. */
export function countAnswer(counts: AdminCounts, status: number): void {
  counts[adminStatuses.find(known => known === String(status)) ?? 'other'] += 1
}
