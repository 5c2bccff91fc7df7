import { type Ledger, LedgerSilentError, type RateKind, type Want } from '../limits/ledger.ts'
import { type Refusal, refuseForNow } from './answer.ts'

const refusals: Readonly<Partial<Record<RateKind, string>>> = {
  eventsPerUser: 'too many events a second; try again',
  listsPerUser: 'more than 2 lists a second of one user',
}

/** Takes what a request needs of what its user may have each second; the refusal where there is not enough, or nobody says. */
export async function takeFrom(ledger: Ledger, want: Want): Promise<Refusal | undefined> {
  try {
    const waitMs = await ledger.reserve([want], 0)
    if (waitMs === 0) return undefined
    return refuseForNow(429, refusals[want.kind] ?? 'too many requests; try again', Math.ceil(waitMs / 1000))
  } catch (error) {
    if (!(error instanceof LedgerSilentError)) throw error
    return refuseForNow(503, 'the limits of this node cannot be asked for at the moment; try again', 1)
  }
}
