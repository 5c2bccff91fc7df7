import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Refusal } from '../answer.ts'
import { type BodyLimits, readBody } from './body-bytes.ts'
import { type BodyFormat, formatOf } from './body-format.ts'
import { codingOf, type ContentCoding, decompress } from './content-coding.ts'

/** How a body is encoded, by the headers of its request. */
export interface BodyEncoding {
  readonly format: BodyFormat
  readonly coding: ContentCoding
  /** Its largest possible size, decompressed. */
  readonly maxBytes: number
}

/** The values of a body, which should be events. */
export interface PostedValues {
  readonly values: readonly unknown[]
  /** The size of the body, decompressed. */
  readonly bytes: number
}

export interface PostedLimits extends BodyLimits {
  readonly maxEvents: number
}

/** Returns how the body of a request is encoded, or 415. */
export function bodyEncodingOf(headers: IncomingHttpHeaders, maxBytes: number): BodyEncoding | Refusal {
  const format = formatOf(headers['content-type'])
  if (format instanceof Refusal) return format
  const coding = codingOf(headers['content-encoding'])
  if (coding instanceof Refusal) return coding
  const announced = Number(headers['content-length'] ?? maxBytes)
  return { format, coding, maxBytes: coding === 'identity' ? Math.min(announced, maxBytes) : maxBytes }
}

/**
 * Reads the values of a body. 400, 408 or 413 if it cannot be read, `undefined` if its sender leaves before
 * its end.
 */
export async function readValues(
  request: IncomingMessage,
  { format, coding }: BodyEncoding,
  limits: PostedLimits,
): Promise<PostedValues | Refusal | undefined> {
  const received = await readBody(request, limits)
  if (received === undefined || received instanceof Refusal) return received
  const body = await decompress(received, coding, limits.maxBytes)
  if (body instanceof Refusal) return body
  const values = format(body, limits.maxEvents)
  return values instanceof Refusal ? values : { values, bytes: body.length }
}
