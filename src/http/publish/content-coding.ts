import type { Transform } from 'node:stream'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import { Refusal } from '../answer.ts'
import { tooLong } from './body-bytes.ts'

/** The accepted codings of a body (RFC 9110 §8.4.1, RFC 8878). */
export type ContentCoding = 'identity' | 'gzip' | 'zstd'

const codings: Readonly<Record<string, ContentCoding>> = {
  '': 'identity',
  identity: 'identity',
  gzip: 'gzip',
  // RFC 9110 §8.4.1.3: equivalent to gzip.
  'x-gzip': 'gzip',
  zstd: 'zstd',
}

/** Allocated for each step of the output. */
const chunkSize = 65_536
/** RFC 9659 §3: windows have at most 8 MB; otherwise a header of a few bytes could demand 128 MB. */
const zstdWindowLog = 23

/** Returns the coding of a `Content-Encoding` header; 415 if it is not accepted, or if there are several. */
export function codingOf(header: string | undefined): ContentCoding | Refusal {
  const name = (header ?? '').trim().toLowerCase()
  if (Object.hasOwn(codings, name)) return codings[name] ?? 'identity'
  const headers = { 'accept-encoding': 'gzip, zstd, identity' }
  return new Refusal(415, 'Content-Encoding: expected gzip, zstd or identity', { headers })
}

/**
 * Decompresses a body on other threads. 413 as soon as the output is too long, at most one step beyond the
 * limit; 400 if the bytes are not in the coding.
 */
export async function decompress(
  body: Buffer,
  coding: ContentCoding,
  maxBytes: number,
): Promise<Buffer | Refusal> {
  if (coding === 'identity') return body
  const stream = decompressor(coding)
  const parts: Buffer[] = []
  let length = 0
  try {
    stream.end(body)
    for await (const chunk of stream) {
      const part: Buffer = chunk
      length += part.length
      if (length > maxBytes) return tooLong(maxBytes)
      parts.push(part)
    }
  } catch {
    return new Refusal(400, `the body is not ${coding}, or not all of it`)
  }
  // Zstandard's stream ends after the last whole frame, whatever follows.
  if (stream.bytesWritten !== body.length) {
    return new Refusal(400, `the body goes on after its ${coding} data`)
  }
  return Buffer.concat(parts, length)
}

function decompressor(coding: 'gzip' | 'zstd'): Transform & { readonly bytesWritten: number } {
  if (coding === 'gzip') return createGunzip({ chunkSize })
  return createZstdDecompress({ chunkSize, params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog } })
}
