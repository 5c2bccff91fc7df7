import type { Registry } from 'prom-client'
import type { SharedHistory } from '../shared-history.ts'
import { counter, gauge, rows } from './read-metric.ts'

/** Declares how the log is read again for sessions that are behind what is in memory. */
export function declareHistory(registry: Registry, history: SharedHistory): void {
  gauge(
    registry,
    'ticker_reread_pieces_under_way',
    'Pieces of the log that are being read again, or wait for their turn. More than 4 for long: many are behind at different places, or Kafka is slow',
    [],
    () => history.reads,
  )
  counter(
    registry,
    'ticker_reread_pieces_total',
    'Pieces of the log given to sessions that are behind what is in memory, by where they came from. A rise of log: raise TICKER_TAPE_BYTES, so that fewer have to be read again; of it alone: they are all at different places',
    ['source'],
    () => rows('source', { ...history.counts }),
  )
  gauge(
    registry,
    'ticker_reread_bytes',
    'Memory of the pieces that are kept for whoever reads them next. 32 MiB at most: it falls when the node is short of memory',
    [],
    () => history.bytes,
  )
}
