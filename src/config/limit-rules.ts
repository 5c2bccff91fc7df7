import { bytesPerMessage, messageBurstMs } from '../limits/message-cost.ts'
import { shareOfWorker } from '../limits/memory-limit.ts'
import { limitVariables } from './limit-variables.ts'
import { ingestVariables } from './log-variables.ts'
import type { Reading } from './reading.ts'
import { generalVariables } from './stream-variables.ts'
import type { Variable } from './variable.ts'

/** Adds the faults of limits that each may have their value, but not beside the other's. */
export function checkLimits(reading: Reading): void {
  checkMemory(reading)
  checkMessages(reading)
  checkSlowness(reading)
}

/** What is let go of lets nobody new in; and recent events alone do not make a node refuse everybody. */
function checkMemory(reading: Reading): void {
  const { memoryRefusePercent: refuse, memoryShedPercent: shed, memoryLimitBytes: limit } = limitVariables
  if (isAnyWrong(reading, [refuse, shed, limit, ingestVariables.tapeBytes])) return
  const percent = reading.value(refuse)
  if (percent > reading.value(shed)) {
    reading.fault(shed, `lower than ${refuse.name} (${percent}); set it as high at least`)
  }
  const { tapeBytes } = ingestVariables
  const limitBytes = reading.value(limit)
  // The default for either is lowered by the gateway itself where memory is short.
  if (limitBytes === undefined || !reading.isSet(tapeBytes)) return
  const workers = reading.value(generalVariables.workers)
  const room = Math.floor((shareOfWorker(limitBytes, workers) * percent) / 100)
  if (reading.value(tapeBytes) < room) return
  reading.fault(
    tapeBytes,
    `recent events would be all that a process may have (${room} bytes: ${percent} % of its part of ${limit.name}=${limitBytes}), ` +
      'and nobody be let in; lower it, or raise the other',
  )
}

/** The longest message has to be one that a client may send. */
function checkMessages(reading: Reading): void {
  const { maxMessageBytes: longest, messagesPerSecond: rate } = limitVariables
  if (isAnyWrong(reading, [longest, rate])) return
  const cost = 1 + Math.floor(reading.value(longest) / bytesPerMessage)
  const least = Math.ceil((cost * 1000) / messageBurstMs)
  if (reading.value(rate) >= least) return
  const set = reading.isSet(rate) ? rate : longest
  reading.fault(
    set,
    `a message of ${longest.name} (${reading.value(longest)} bytes) counts as ${cost}, and ${rate.name} (${reading.value(rate)}) ` +
      `lets a client send ${(reading.value(rate) * messageBurstMs) / 1000} at once; raise that to ${least}, or lower ${longest.name}`,
  )
}

/** Whoever is slow is told so with heartbeats, before the end. */
function checkSlowness(reading: Reading): void {
  const { slowTimeoutMs: slow, heartbeatMs: heartbeat } = limitVariables
  if (isAnyWrong(reading, [slow, heartbeat])) return
  if (reading.value(slow) >= reading.value(heartbeat)) return
  reading.fault(
    reading.isSet(slow) ? slow : heartbeat,
    `a slow client is told so each ${heartbeat.name} (${reading.value(heartbeat)}), and would be ended before, ` +
      `by ${slow.name} (${reading.value(slow)}); that must not be the shorter one`,
  )
}

function isAnyWrong(reading: Reading, variables: readonly Variable<unknown>[]): boolean {
  return variables.some(variable => reading.isWrong(variable))
}
