import { whole } from './kind.ts'
import { withDefault } from './variable.ts'

export const publishVariables = {
  maxBytes: withDefault({
    name: 'TICKER_PUBLISH_MAX_BYTES',
    kind: whole(1024, 16_777_216, 'bytes'),
    default: '1048576',
    doc: 'Largest body of a `POST /v1/events`, decompressed.',
  }),
  maxEvents: withDefault({
    name: 'TICKER_PUBLISH_MAX_EVENTS',
    kind: whole(1, 10_000),
    default: '1000',
    doc: 'Events in one request.',
  }),
  maxPending: withDefault({
    name: 'TICKER_PUBLISH_MAX_PENDING',
    kind: whole(1, 1_000_000),
    default: '20000',
    doc: 'Events of all requests that may wait for the log; further ones are refused with 503.',
  }),
  eventsPerSecond: withDefault({
    name: 'TICKER_PUBLISH_EVENTS_PER_SECOND',
    kind: whole(1, 1_000_000),
    default: '10000',
    doc: 'Events that one user may publish through this node each second; further ones are refused with 429.',
  }),
}
