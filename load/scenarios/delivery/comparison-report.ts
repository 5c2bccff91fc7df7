import { caseTable, type Figure } from '../../lib/figure-tables.ts'
import type { ReportPart } from '../../lib/report.ts'
import { spreadOf } from '../../lib/statistics.ts'
import { gatewaySettings, settingsText } from '../../processes/gateway-process.ts'
import type { PeerFigures } from './comparison.ts'
import type { Workload } from './workload.ts'

/** A workload, and what each server used. */
export interface Level {
  readonly workload: Workload
  /** Why some servers are absent. */
  readonly absent: readonly string[]
  readonly rounds: readonly PeerFigures[][]
}

const figures: readonly Figure<PeerFigures>[] = [
  ['CPU, µs a delivery', own => own.fanoutUs, 3],
  ['÷ floor', own => own.toFloor, 2],
  ['÷ gateway', own => own.toGateway, 2],
  ['with reading, µs', own => own.wholeUs, 3],
  ['with reading ÷ floor', own => own.wholeToFloor, 2],
  ['bytes a delivery', own => own.bytes, 0],
  ['events a frame', own => own.eventsPerFrame, 2],
  ['p50 ms', own => own.p50Ms, 2],
  ['p99 ms', own => own.p99Ms, 1],
  ['kB a connection', own => own.connectionKilobytes, 1],
  ['server core', own => own.serverShare, '%'],
  ['clients', own => own.clientsShare, '%'],
]

/** A table and a plot for each size of batch. */
export function comparisonParts({ workload, absent, rounds }: Level): ReportPart[] {
  const bySize = [...Map.groupBy(rounds.flat(), ({ size }) => size)]
  const parts = bySize.flatMap(([size, ofSize]): ReportPart[] => {
    const title = `${workload.name}, ${size} event${size === 1 ? '' : 's'} a batch`
    const byPeer = [...Map.groupBy(ofSize, ({ peer }) => peer)]
    const cases = byPeer.map(([peer, own]) => [[peer], own] as const)
    const bars = byPeer.map(([name, own]) => {
      return { name, spread: spreadOf(own.map(({ fanoutUs }) => fanoutUs)), isGateway: name === 'gateway' }
    })
    return [
      caseTable(title, { head: ['server'], cases }, figures),
      { kind: 'bars', title: `${title}: server CPU`, unit: 'µs a delivery', bars },
    ]
  })
  return [{ kind: 'text', text: [`${workload.description}.`, ...absent].join(' ') }, ...parts]
}

/** The ratios of the gateway to the floor, and the CPU of both, with as many clients as each level has. */
export function scaleParts(levels: readonly Level[]): ReportPart[] {
  const all = levels.flatMap(({ workload, rounds }) => {
    return rounds.flat().map(own => ({ clients: workload.lists.length - 1, own }))
  })
  const cases = [...Map.groupBy(all, ({ clients, own: { size } }) => `${clients} ${size}`).values()].map(
    group => {
      const [{ clients, own }] = group as [(typeof group)[number]]
      const ofGateway = group.filter(each => each.own.peer === 'gateway').map(each => each.own)
      return [[clients.toLocaleString('en-US'), String(own.size)], ofGateway] as const
    },
  )
  const lines = [...Map.groupBy(all, ({ own: { peer, size } }) => `${peer}, ${size} a batch`)].map(
    ([name, group]) => {
      const byClients = [...Map.groupBy(group, ({ clients }) => clients)]
      const points = byClients.map(([clients, same]) => {
        return [clients, spreadOf(same.map(({ own }) => own.fanoutUs)).median] as const
      })
      return { name, points }
    },
  )
  const title = 'Server CPU with ever more clients'
  return [
    caseTable('The gateway beside the floor', { head: ['clients', 'events a batch'], cases }, [
      ['gateway, µs a delivery', own => own.fanoutUs, 3],
      ['÷ floor', own => own.toFloor, 2],
      ['with reading ÷ floor', own => own.wholeToFloor, 2],
    ]),
    { kind: 'lines', title, xName: 'clients', yName: 'µs a delivery', lines },
  ]
}

/** What the figures mean. */
export const comparisonNotes: readonly string[] = [
  'Servers are measured in turn, after a round that is thrown away. A delivery is one event to one client.',
  'Server CPU is all of the process, kernel included. Of the gateway’s, the CPU of the same batches without',
  'subscribers is taken off as reading (Kafka, checks, the window); the columns "with reading" include it.',
  'Latency: from just before a batch begins (gateway: before its request to Kafka) to the client’s read.',
  'kB a connection: growth of the server’s memory while the clients connect, uncollected.',
  'Where the clients are busier than 90 %, they are the limit.',
  `Settings: ${settingsText(gatewaySettings)}.`,
]
