import type { IncomingHttpHeaders } from 'node:http'
import { readBearerToken } from '../../auth/request-headers.ts'
import type { SubscribeCommand } from '../../protocol/command.ts'
import type { Dialect } from '../../protocol/dialect.ts'
import { acceptsEvents, acceptsGzip } from './content-negotiation.ts'
import { readEventId } from './event-id.ts'
import { type HttpRefusal, refuseWithoutToken } from './sse-refusals.ts'
import { readSubscriptionQuery } from './subscription-query.ts'

/** What a request for events asks for. */
export interface SseRequest {
  readonly token: string
  readonly subscribe: SubscribeCommand
  /** The first feed of the node if left out. */
  readonly feed?: string
  readonly acceptsGzip: boolean
}

/** Reads a request for events, or says why it is refused, before anything else happens. */
export function readSseRequest(
  { url = '', headers }: { readonly url?: string | undefined; readonly headers: IncomingHttpHeaders },
  dialect: Dialect,
): SseRequest | HttpRefusal {
  if (!acceptsEvents(headers.accept)) {
    return {
      status: 406,
      error:
        'events come as text/event-stream, which Accept does not allow; send Accept: text/event-stream, ' +
        'or publish with POST',
    }
  }
  const subscription = readSubscription(url, headers['last-event-id'], dialect)
  if ('fault' in subscription) return { status: 400, error: subscription.fault }
  const authorization = readBearerToken(headers.authorization)
  if (authorization.kind === 'unusable') return refuseWithoutToken(authorization.fault)
  if (authorization.kind === 'absent') {
    return refuseWithoutToken(
      "expected the header Authorization: Bearer TOKEN; a browser's EventSource cannot send it, but fetch can",
    )
  }
  return {
    ...subscription,
    token: authorization.token,
    acceptsGzip: acceptsGzip(headers['accept-encoding']?.toString()),
  }
}

type Subscription = Pick<SseRequest, 'subscribe' | 'feed'>

function readSubscription(
  url: string,
  lastEventId: string | string[] | undefined,
  dialect: Dialect,
): Subscription | { readonly fault: string } {
  const start = url.indexOf('?')
  const query = readSubscriptionQuery(start < 0 ? '' : url.slice(start + 1))
  if ('fault' in query) return query
  const id = lastEventId?.toString() ?? ''
  const cursor = id === '' ? undefined : readEventId(id)
  if (cursor !== undefined && 'fault' in cursor) {
    const cure = 'send the id of an event as it came, or none to begin now'
    return { fault: `Last-Event-ID is not the id of an event: ${cursor.fault}; ${cure}` }
  }
  const subscribe = dialect.parseSubscription({ ...query.fields, cursor })
  if ('code' in subscribe) return { fault: subscribe.detail }
  return { subscribe, ...(query.feed === undefined ? {} : { feed: query.feed }) }
}
