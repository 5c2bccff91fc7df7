import { pathToFileURL } from 'node:url'
import { resolve } from 'node:path'
import { type Decoder, defaultDecoder } from '../event/decoder.ts'
import { messageOf, TickerError } from '../ticker-error.ts'

/** The module that `TICKER_DECODER` names cannot be loaded, or is no decoder. */
export class DecoderError extends TickerError {
  readonly code = 'TICKER_DECODER'
}

/** Loads the decoder module (`export function decode(record, source)`, perhaps `prepare`); without a name, the built-in one. */
export async function openDecoder(name: string | undefined): Promise<Decoder> {
  if (name === undefined) return defaultDecoder
  const isPath = name.startsWith('.') || name.startsWith('/')
  let module: unknown
  try {
    module = await import(isPath ? pathToFileURL(resolve(name)).href : name)
  } catch (error) {
    throw new DecoderError(`TICKER_DECODER=${name}: cannot be loaded (${messageOf(error)})`, { cause: error })
  }
  if (isDecoder(module)) return module
  throw new DecoderError(
    `TICKER_DECODER=${name}: expected a module that exports a function decode(record, source), and perhaps prepare(records, source)`,
  )
}

function isDecoder(module: unknown): module is Decoder {
  if (typeof module !== 'object' || module === null) return false
  if (!('decode' in module) || typeof module.decode !== 'function') return false
  return !('prepare' in module) || typeof module.prepare === 'function'
}
