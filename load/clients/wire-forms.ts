import { TapeDecoder } from '../../src/wire/tape/decoding/tape-decoder.ts'
import { monotonicUs } from '../lib/clocks.ts'

/** Returns how many events a payload holds; calls `onTrade` with each trade's id, its time of sending. */
type FrameReading = (payload: Buffer, onTrade?: (sentUs: number) => void) => number

/** Counts the events of a connection's payloads, from the first on, with the latency of each trade. */
export class EventScan {
  events = 0
  /** From sending to receipt, of each trade. */
  latenciesUs: number[] = []
  /** When each of them was sent. */
  sentUs: number[] = []
  readonly #read: FrameReading

  constructor(read: FrameReading) {
    this.#read = read
  }

  begin(): void {
    this.events = 0
    this.latenciesUs = []
    this.sentUs = []
  }

  take(payload: Buffer): void {
    const nowUs = monotonicUs()
    this.events += this.#read(payload, sentUs => {
      this.latenciesUs.push(nowUs - sentUs)
      this.sentUs.push(sentUs)
    })
  }
}

const type = Buffer.from('{"T":"')
const id = Buffer.from('"i":')
const tradeCode = 't'.charCodeAt(0)
const quoteMark = '"'.charCodeAt(0)
const zero = '0'.charCodeAt(0)

/** Reads JSON frames without parsing them, and whatever other servers write around the same events. */
export const readJsonFrame: FrameReading = (payload, onTrade) => {
  let events = 0
  for (let at = payload.indexOf(type); at >= 0; at = payload.indexOf(type, at)) {
    at += type.length
    // Events have types of one letter, other messages longer ones.
    if (payload[at + 1] !== quoteMark) continue
    events++
    if (payload[at] === tradeCode) onTrade?.(numberAt(payload, payload.indexOf(id, at) + id.length))
  }
  return events
}

function numberAt(payload: Buffer, from: number): number {
  let value = 0
  for (let at = from; ; at++) {
    const digit = (payload[at] ?? 0) - zero
    if (digit < 0 || digit > 9) return value
    value = value * 10 + digit
  }
}

/** Reads one connection's frames in the tape form. */
function tapeFrameReading(): FrameReading {
  const decoder = new TapeDecoder()
  return (payload, onTrade) => {
    const frame = decoder.decode(payload)
    if (frame.kind === 'messages') return 0
    for (const event of frame.events) if (event.T === 't') onTrade?.(Number(event.i))
    return frame.events.length
  }
}

/** The forms that `--form` takes, each with what reads the frames of one connection from the first on. */
const forms: Readonly<Record<string, () => FrameReading>> = {
  'ticker.v1.json': () => readJsonFrame,
  'ticker.v1.tape': tapeFrameReading,
  sse: () => readJsonFrame,
}

/** Server-sent events instead of a WebSocket; the floor sends frames of JSON. */
export const sseForm = 'sse'

export const defaultForm = 'ticker.v1.json'

/** The options of scenarios with subscribers that choose how they connect. */
export const streamOptions = {
  form: {
    help: "wire form of the gateway's clients, and of the floor's (sse: server-sent events)",
    among: Object.keys(forms),
    default: defaultForm,
  },
  tls: { help: 'clients come over TLS, with a self-signed certificate' },
} as const

/** What reads the frames of one connection in the form of this name. */
export function frameReadingOf(name: string): FrameReading {
  const create = forms[name]
  if (create === undefined) throw new Error(`--form ${name}: expected ${Object.keys(forms).join(', ')}`)
  return create()
}
