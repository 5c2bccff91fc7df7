import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TickerError, messageOf } from '../diagnostics/ticker-error.ts'
import { type Decoder, defaultDecoder } from '../event/decoder.ts'

/** The module that `TICKER_DECODER` names cannot be loaded, or is not a decoder. */
class DecoderError extends TickerError {
  readonly code = 'TICKER_DECODER'
}

/**
 * Loads a decoder module (`decode(record, source)`, optionally `prepare`); returns the built-in one without a
 * name.
 */
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
    `TICKER_DECODER=${name}: expected a module that exports a function decode(record, source), ` +
      'and perhaps prepare(records, source)',
  )
}

function isDecoder(module: unknown): module is Decoder {
  if (typeof module !== 'object' || module === null) return false
  if (!('decode' in module) || typeof module.decode !== 'function') return false
  return !('prepare' in module) || typeof module.prepare === 'function'
}

/**
 * Returns why the result of a decoder module cannot be an event, in words fit for logs, or `undefined`. The
 * checks of fields would not find these faults, or let them pass: they check something other than its JSON.
 */
export function invalidResultOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (isThenable(value)) {
    // Nobody else waits for it; a rejection would end the process.
    Promise.resolve(value).catch(() => undefined)
    return 'decode returned a promise; it has to be synchronous, and what it waits for belongs into prepare'
  }
  if (Array.isArray(value)) return `decode returned an array of ${value.length}; a record is one event`
  if (hasToJson(value)) {
    return 'decode returned an object with toJSON, which is not called; return what toJSON returns'
  }
  for (const [name, field] of Object.entries(value)) {
    const fault = invalidFieldOf(field)
    if (fault !== undefined) return `decode returned ${name.slice(0, 16)} as ${fault}`
  }
  return undefined
}

function invalidFieldOf(field: unknown): string | undefined {
  if (typeof field !== 'object' || field === null) return undefined
  if (isThenable(field))
    return 'a promise; it has to be synchronous, and what it waits for belongs into prepare'
  if (hasToJson(field)) return 'an object with toJSON, such as a Date; expected what toJSON returns'
  if (!Array.isArray(field)) return undefined
  // Iteration yields `undefined` for a hole.
  const hole = field.findIndex((_, index) => !Object.hasOwn(field, index))
  return hole < 0 ? undefined : `a sparse array; there is nothing at index ${hole}`
}

function isThenable(value: object): value is PromiseLike<unknown> {
  return 'then' in value && typeof value.then === 'function'
}

function hasToJson(value: object): boolean {
  return 'toJSON' in value && typeof value.toJSON === 'function'
}
