import type { Scenario } from '../lib/scenario.ts'
import { bytes } from './bytes/bytes.ts'
import { deepResume } from './deep-resume.ts'
import { peers, sameItems, scale, watchLists } from './delivery/delivery.ts'
import { drain } from './drain/drain.ts'
import { idle } from './idle.ts'
import { kafkaLatency } from './kafka-latency/kafka-latency.ts'
import { latency } from './latency/latency.ts'
import { publish } from './publish/publish.ts'
import { readPath } from './read-path/read-path.ts'
import { reconnect } from './reconnect/reconnect.ts'
import { slowReaders } from './slow-readers/slow-readers.ts'
import { window } from './window/window.ts'
import { workers } from './workers.ts'

/** Every scenario; the first is run where none is named. */
export const scenarios: readonly [Scenario, ...Scenario[]] = [
  sameItems,
  watchLists,
  scale,
  latency,
  idle,
  peers,
  readPath,
  drain,
  publish,
  kafkaLatency,
  window,
  workers,
  bytes,
  slowReaders,
  reconnect,
  deepResume,
]
