import { TapeDecoder } from '../../src/wire/tape/decoding/tape-decoder.ts'

/** One message of a frame. */
export interface Message {
  readonly T: string
  readonly [field: string]: unknown
}

/** Reads the frames of one connection, in either form, as what they say in JSON. */
export class FormReader {
  readonly #decoder = new TapeDecoder()

  messagesOf(payload: Buffer, isBinary: boolean): readonly Message[] {
    if (!isBinary) return JSON.parse(payload.toString('utf8')) as Message[]
    const frame = this.#decoder.decode(payload)
    if (frame.kind === 'messages') return frame.messages as Message[]
    const { events, replaced, ranges } = frame
    const messages: Message[] = events.map((event, index) => {
      const replaces = replaced.get(index)
      return replaces === undefined ? { ...event } : { ...event, replaces }
    })
    if (ranges.length === 0) return messages
    return [
      ...messages,
      { T: 'coverage', ranges: ranges.map(({ partition, from, to }) => [partition, from, to]) },
    ]
  }
}
