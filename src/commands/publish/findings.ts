import { type Channel, type MarketEvent, channelOfType } from '../../event/event.ts'
import { type FileLine, type LineContent, type LineFault, readLine } from './event-lines.ts'

/** A line that is not an event. */
interface BadLine extends LineFault {
  readonly line: number
}

const listedBadLines = 20
const countedNames = 1000

/** The facts about the lines read so far. Their size is bounded, however many lines are bad. */
export class Findings {
  lines = 0
  events = 0
  bad = 0
  /** The first ones. */
  readonly badLines: BadLine[] = []
  readonly badByRule = new Map<string, number>()
  /** How often each unknown field occurred, such as `t.venue`. */
  readonly unknownFields = new Map<string, number>()
  /** The number of repaired values; `repairs` lists the first ones. */
  repaired = 0
  readonly repairs: { readonly line: number; readonly message: string }[] = []
  readonly byChannel = new Map<Channel, number>()
  /** One event of each channel. */
  readonly samples = new Map<Channel, MarketEvent>()
  /** The times of the first and the last event. */
  times: { readonly first: string; readonly last: string } | undefined

  /** Records a line. */
  add(line: number, content: LineContent): void {
    this.lines += 1
    if (content.kind === 'bad')
      this.#addBad({ line, rule: content.fault.rule, message: content.fault.message })
    if (content.kind !== 'event') return
    const { event, unknown, repaired } = content
    const time = eventTime(event)
    this.events += 1
    this.times = { first: this.times?.first ?? time, last: time }
    increment(this.byChannel, channelOfType[event.T])
    this.samples.set(channelOfType[event.T], event)
    for (const name of unknown) increment(this.unknownFields, `${event.T}.${name}`)
    for (const message of repaired) {
      this.repaired += 1
      if (this.repairs.length < listedBadLines) this.repairs.push({ line, message })
    }
  }

  #addBad(bad: BadLine): void {
    this.bad += 1
    if (this.badLines.length < listedBadLines) this.badLines.push(bad)
    increment(this.badByRule, bad.rule)
  }
}

/** Returns the event's own time. */
export function eventTime(event: MarketEvent): string {
  return event.T === 'n' ? (event.updated_at ?? event.created_at) : event.t
}

/** Bounded, because a file may have a new name on every line. */
function increment<Name extends string>(counts: Map<Name, number>, name: Name): void {
  const count = counts.get(name)
  if (count !== undefined || counts.size < countedNames) counts.set(name, (count ?? 0) + 1)
}

interface FileCheckOptions {
  readonly lines: AsyncIterable<readonly FileLine[]>
  readonly fromLine: number
  readonly maxEventBytes: number
  /** Called after each array of lines. */
  readonly onProgress: (findings: Findings) => void
}

/** The result of checking a whole file. */
export interface FileCheck {
  readonly findings: Findings
  /** The size of the text after decompression. */
  readonly textBytes: number
}

/** Checks every line from `fromLine` on; publishes none. */
export async function checkFile(options: FileCheckOptions): Promise<FileCheck> {
  const { lines, fromLine, maxEventBytes, onProgress } = options
  const findings = new Findings()
  let textBytes = 0
  for await (const some of lines) {
    for (const line of some) {
      textBytes = line.end
      if (line.number >= fromLine) findings.add(line.number, readLine(line, maxEventBytes))
    }
    onProgress(findings)
  }
  return { findings, textBytes }
}
