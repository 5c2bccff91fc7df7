import { messageOf, TickerError } from '../../diagnostics/ticker-error.ts'

/**
 * The fault of the file. `locked`, `full`: the same call may succeed later. `crowded`: too many events wait
 * to be appended, so append fewer at a time. After the others it will not succeed until someone acts, as the
 * error's message says.
 */
export type EmbeddedLogFault =
  | 'locked'
  | 'full'
  | 'crowded'
  | 'damaged'
  | 'foreign'
  | 'unusable'
  | 'unknown'
  | 'closed'

/** The file of an embedded log could not be opened, read or written. */
export class EmbeddedLogError extends TickerError {
  readonly code = 'TICKER_EMBEDDED_LOG'
  readonly fault: EmbeddedLogFault

  constructor(fault: EmbeddedLogFault, message: string, options?: ErrorOptions) {
    super(message, options)
    this.fault = fault
  }
}

/** Primary result codes (https://www.sqlite.org/rescode.html). All others are `unusable`. */
const faultOfResult: Readonly<Record<number, EmbeddedLogFault>> = {
  5: 'locked',
  6: 'locked',
  10: 'full',
  11: 'damaged',
  13: 'full',
  26: 'foreign',
}

const cures: Readonly<Record<EmbeddedLogFault, string>> = {
  locked: 'another process keeps the file locked: end it, or set TICKER_EMBEDDED_PATH to a file of its own',
  full: 'the disk is full or failing: free space, or lower TICKER_EMBEDDED_RETENTION_BYTES',
  crowded: 'too many events wait to be appended: wait for the answers to earlier ones',
  damaged: 'the file is damaged: remove it together with its -wal and -shm files; its records are lost',
  foreign: 'this is not the file of an embedded log: remove it, or set TICKER_EMBEDDED_PATH to another path',
  unusable: 'expected a file and a folder that can be read and written: change their permissions or the path',
  unknown: 'the file has no such partition: name one of a configured topic',
  closed: 'the log is closed: open it again',
}

/** The error for a fault. Its message names the path, the rule and the cure. */
export function faultError(path: string, fault: EmbeddedLogFault, cause?: unknown): EmbeddedLogError {
  const detail = cause === undefined ? '' : ` (${messageOf(cause)})`
  return new EmbeddedLogError(fault, `${path}: ${cures[fault]}${detail}`, { cause })
}

/** An error that was thrown while the file was in use, as an error with a cure. */
export function embeddedLogError(path: string, thrown: unknown): EmbeddedLogError {
  return thrown instanceof EmbeddedLogError ? thrown : faultError(path, faultOf(thrown), thrown)
}

function faultOf(thrown: unknown): EmbeddedLogFault {
  if (!(thrown instanceof Error)) return 'unusable'
  if ('code' in thrown && thrown.code === 'ERR_INVALID_STATE') return 'closed'
  if (!('errcode' in thrown)) return 'unusable'
  // The low byte of an extended result code is the primary one.
  return faultOfResult[Number(thrown.errcode) & 0xff] ?? 'unusable'
}
