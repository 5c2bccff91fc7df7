import { shareOfWorker } from '../../limits/process-memory.ts'
import { limitVariables } from '../variables/limit-variables.ts'
import { ingestVariables } from '../variables/log-variables.ts'
import type { VariableReader } from '../variable-reader.ts'
import { generalVariables } from '../variables/listener-variables.ts'
import type { Variable } from '../variables/variable.ts'
import { bytesPerMessage, messageBurstMs } from '../../limits/node-quotas.ts'

/** Adds the faults of limits whose values are valid alone, but not together. */
export function checkLimits(reader: VariableReader): void {
  checkMemory(reader)
  checkMessages(reader)
  checkSlowness(reader)
}

/**
 * The share at which memory is freed must not be below the one at which sessions are refused. Recent events
 * alone must not make a node refuse everybody.
 */
function checkMemory(reader: VariableReader): void {
  const { memoryRefusePercent: refuse, memoryShedPercent: shed, memoryLimitBytes: limit } = limitVariables
  const { workers, feeds } = generalVariables
  if (isAnyInvalid(reader, [refuse, shed, limit, ingestVariables.windowBytes, feeds])) return
  const percent = reader.value(refuse)
  if (percent > reader.value(shed)) {
    reader.fault(shed, `is lower than ${refuse.name} (${percent}); set it to at least that`)
  }
  const { windowBytes } = ingestVariables
  const limitBytes = reader.value(limit)
  // The gateway itself lowers the defaults where memory is short.
  if (limitBytes === undefined || !reader.isSet(windowBytes)) return
  const room = Math.floor((shareOfWorker(limitBytes, reader.value(workers)) * percent) / 100)
  const count = reader.value(feeds).length
  if (reader.value(windowBytes) * count < room) return
  reader.fault(
    windowBytes,
    `recent events ${count === 1 ? '' : `of ${count} feeds (${feeds.name}) `}alone would fill the memory of a ` +
      `process (${room} bytes: ${percent} % of its part of ${limit.name}=${limitBytes}), and every session ` +
      'would be refused; lower this, or raise that',
  )
}

/** The message rate must permit a message of the greatest length. */
function checkMessages(reader: VariableReader): void {
  const { maxMessageBytes: longest, messagesPerSecond: rate } = limitVariables
  if (isAnyInvalid(reader, [longest, rate])) return
  const cost = 1 + Math.floor(reader.value(longest) / bytesPerMessage)
  const least = Math.ceil((cost * 1000) / messageBurstMs)
  if (reader.value(rate) >= least) return
  const set = reader.isSet(rate) ? rate : longest
  reader.fault(
    set,
    `a message of ${longest.name} (${reader.value(longest)} bytes) counts as ${cost}, but ${rate.name} ` +
      `(${reader.value(rate)}) permits ${(reader.value(rate) * messageBurstMs) / 1000} at once; raise ` +
      `that to ${least}, or lower ${longest.name}`,
  )
}

/** Heartbeats tell a slow client that it is behind, so one has to come before its session ends. */
function checkSlowness(reader: VariableReader): void {
  const { slowTimeoutMs: slow, heartbeatMs: heartbeat } = limitVariables
  if (isAnyInvalid(reader, [slow, heartbeat])) return
  if (reader.value(slow) >= reader.value(heartbeat)) return
  reader.fault(
    reader.isSet(slow) ? slow : heartbeat,
    `slow clients are warned every ${heartbeat.name} (${reader.value(heartbeat)}), but ${slow.name} ` +
      `(${reader.value(slow)}) would end them before; that must not be the shorter one`,
  )
}

function isAnyInvalid(reader: VariableReader, variables: readonly Variable<unknown>[]): boolean {
  return variables.some(variable => reader.isInvalid(variable))
}
