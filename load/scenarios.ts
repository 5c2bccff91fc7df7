import { bytes } from './bytes/bytes.ts'
import { deepResume } from './deep-resume/deep-resume.ts'
import { sameItemsScenario, watchListsScenario } from './delivery/beside-floor.ts'
import { peersScenario } from './delivery/peers-scenario.ts'
import { scaleScenario } from './delivery/scale.ts'
import { drain } from './drain/drain.ts'
import { idleScenario } from './idle/idle.ts'
import { kafkaLatency } from './kafka-latency/kafka-latency.ts'
import { latencyScenario } from './latency/latency.ts'
import { publish } from './publish/publish.ts'
import { readPath } from './read-path/read-path.ts'
import { reconnect } from './reconnect/reconnect.ts'
import type { Scenario } from './scenario.ts'
import { slowReaders } from './slow-readers/slow-readers.ts'
import { window } from './window/window.ts'
import { workers } from './workers/workers.ts'

/** Every scenario; the first is meant where none is named. */
export const scenarios: readonly [Scenario, ...Scenario[]] = [
  sameItemsScenario,
  watchListsScenario,
  scaleScenario,
  latencyScenario,
  idleScenario,
  peersScenario,
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
