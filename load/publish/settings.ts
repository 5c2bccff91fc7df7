/** What differs from the gateway's defaults: nobody is refused. */
export const publishSettings = {
  TICKER_PUBLISH_EVENTS_PER_SECOND: '1000000',
  TICKER_PUBLISH_MAX_PENDING: '1000000',
} as const
