interface Offer {
  readonly name: string
  /** 0: not acceptable. */
  readonly weight: number
}

/** Reads `Accept` or `Accept-Encoding` (RFC 9110 §12.5). Names are in lower case, parameters left out. */
function readOffers(header: string): Offer[] {
  return header.split(',').map(offer => {
    const [name = '', ...parameters] = offer.split(';').map(part => part.trim().toLowerCase())
    const weight = parameters.find(parameter => parameter.startsWith('q='))?.slice(2)
    return { name, weight: weight === undefined ? 1 : Number(weight) }
  })
}

/** Whether a client with this `Accept` header takes server-sent events. */
export function acceptsEvents(header: string | undefined): boolean {
  if (header === undefined || header.trim() === '') return true
  const offers = readOffers(header)
  for (const name of ['text/event-stream', 'text/*', '*/*']) {
    const offer = offers.find(candidate => candidate.name === name)
    if (offer !== undefined) return offer.weight > 0
  }
  return false
}

/** Whether a client with this `Accept-Encoding` header names gzip as acceptable. */
export function acceptsGzip(header: string | undefined): boolean {
  if (header === undefined) return false
  return readOffers(header).some(({ name, weight }) => (name === 'gzip' || name === 'x-gzip') && weight > 0)
}
