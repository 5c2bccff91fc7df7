import type { JSONWebKeySet } from 'jose'
import { messageOf, TickerError } from '../diagnostics/ticker-error.ts'

/** The outcomes of reading a key set; a closed set, for metrics. */
export const keySetOutcomes = ['read', 'unreachable', 'refused', 'malformed'] as const

export type KeySetOutcome = (typeof keySetOutcomes)[number]

/** A key set could not be read: there was no answer in time, another status than 200, or no key set. */
export class KeySetError extends TickerError {
  readonly code = 'TICKER_KEY_SET'
  readonly outcome: Exclude<KeySetOutcome, 'read'>

  constructor(outcome: Exclude<KeySetOutcome, 'read'>, message: string, options?: ErrorOptions) {
    super(message, options)
    this.outcome = outcome
  }
}

/** Real key sets have some kB; reading stops beyond this. */
export const longestKeySetBytes = 262_144

/**
 * Requests a key set (RFC 7517 §5) once. Redirects are not followed, because the operator decides where keys
 * come from, and a redirect could lead to plain http. `signal` limits the time for the whole response.
 * Rejects with a `KeySetError`.
 */
export async function requestKeySet(url: string, signal: AbortSignal): Promise<JSONWebKeySet> {
  const text = await requestText(url, signal)
  try {
    const value: unknown = JSON.parse(text)
    if (isKeySet(value)) return value
  } catch {
    // JSON's own message would show the text.
  }
  throw new KeySetError('malformed', 'the answer is not a JSON Web Key Set; check the URL')
}

async function requestText(url: string, signal: AbortSignal): Promise<string> {
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/jwk-set+json, application/json' },
      redirect: 'manual',
      signal,
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new KeySetError('refused', `answered ${response.status}, not 200`)
    }
    return await readText(response)
  } catch (error) {
    if (error instanceof KeySetError) throw error
    throw new KeySetError('unreachable', reasonOf(error), { cause: error })
  }
}

async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.length
    if (length > longestKeySetBytes) {
      throw new KeySetError('malformed', `an answer of more than ${longestKeySetBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** `fetch` says only "fetch failed" and keeps the reason as its cause. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'the answer was not complete in time'
  return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error)
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  if (typeof value !== 'object' || value === null || !('keys' in value)) return false
  return Array.isArray(value.keys) && value.keys.every(key => typeof key === 'object' && key !== null)
}
