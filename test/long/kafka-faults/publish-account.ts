import type { TrueRecord } from './truth.ts'

/** Lines that were handed over and not acknowledged. */
export interface MissingLines {
  readonly firstLine: number
  readonly lastLine: number
  readonly count: number
  /** Whether the command says that they are not there; else nobody knows. */
  readonly isAbsent: boolean
}

/** What a run of the publish command said when it ended, of a file with one event a line. */
export interface Account {
  readonly exitCode: number | string
  /** Its `--from-line`. */
  readonly fromLine: number
  /** How many events it says are published. */
  readonly published: number
  /** How many it says are not. */
  readonly missingCount: number
  /** How many of these it says are not there. */
  readonly absentCount: number
  /** The ranges of these that it names; of many only the first. */
  readonly missing: readonly MissingLines[]
  /** Where it says to go on; `undefined` where it says that all is published. */
  readonly goOnFrom: number | undefined
}

/** Reads what the command printed (`src/commands/publish/publish-report.ts`). */
export function readAccount(
  run: { readonly exitCode: number | string; readonly fromLine: number },
  { stdout, stderr }: { readonly stdout: string; readonly stderr: string },
): Account {
  const [, goOn] = /--from-line (\d+)/.exec(stderr) ?? []
  const missing: MissingLines[] = []
  let missingCount = 0
  let absentCount = 0
  let isAbsent = false
  for (const line of stderr.split('\n')) {
    const [, total, what] = /^([\d,]+) events? (NOT \w+)/.exec(line) ?? []
    const [, first, last, count] = /^ {2}lines? (\d+)(?: to (\d+))? \(([\d,]+) events?\)$/.exec(line) ?? []
    if (what !== undefined) {
      missingCount += numberOf(total)
      isAbsent = what === 'NOT published'
      if (isAbsent) absentCount += numberOf(total)
    } else if (first !== undefined) {
      const [firstLine, lastLine] = [numberOf(first), numberOf(last ?? first)]
      missing.push({ firstLine, lastLine, count: numberOf(count), isAbsent })
    }
  }
  return {
    ...run,
    published: numberOf(/^published ([\d,]+) events? in /m.exec(stdout)?.[1]),
    missingCount,
    absentCount,
    missing: missing.toSorted((one, other) => one.firstLine - other.firstLine),
    goOnFrom: goOn === undefined ? undefined : Number(goOn),
  }
}

/** What is wrong with what Kafka holds, by what runs of the command said one after the other, in lines. */
export interface Verdict {
  /** Said to be published, and not there. */
  readonly lost: number
  /** There more often than they were handed over. */
  readonly repeated: number
  /** Behind one that follows it, of the same symbol, more often than a run began again. */
  readonly disordered: number
}

export const faultless = { lost: 0, repeated: 0, disordered: 0 } as const satisfies Verdict

/** Compares what runs of the command said with what Kafka holds; the number of a trade is its line. */
export function judge(accounts: readonly Account[], truth: readonly TrueRecord[]): Verdict {
  const found = Map.groupBy(truth, ({ number }) => number)
  const most = Math.max(...accounts.map(lastLineOf), ...found.keys())
  let lost = 0
  let repeated = 0
  for (let line = 1; line <= most; line++) {
    const count = found.get(line)?.length ?? 0
    const said = accounts.map(account => statusOf(line, account))
    if (count < said.filter(status => status === 'published').length) lost++
    if (count > said.filter(status => status !== 'absent').length) repeated++
  }
  return { lost, repeated, disordered: Math.max(0, restarts(truth) - (accounts.length - 1)) }
}

/** How many lines there are more than once. */
export function linesTwice(truth: readonly TrueRecord[]): number {
  return truth.length - new Set(truth.map(({ number }) => number)).size
}

/** What was handed over is the beginning of the file: each line is an event. */
function lastLineOf({ fromLine, published, missingCount }: Account): number {
  return fromLine - 1 + published + missingCount
}

/** What became of a line: published, nobody knows, or it is not there. */
function statusOf(line: number, account: Account): 'published' | 'unknown' | 'absent' {
  const { fromLine, missing, missingCount } = account
  if (line < fromLine || line > lastLineOf(account)) return 'absent'
  const named = missing.find(({ firstLine, lastLine }) => line >= firstLine && line <= lastLine)
  if (named !== undefined) return named.isAbsent ? 'absent' : 'unknown'
  const isCut = missing.reduce((sum, { count }) => sum + count, 0) < missingCount
  return isCut && line > missing[0]!.firstLine ? 'unknown' : 'published'
}

/** How often the lines of a symbol go back, at most. */
function restarts(truth: readonly TrueRecord[]): number {
  const ofSymbols = Map.groupBy(truth, ({ symbol, partition }) => `${partition}/${symbol}`)
  const counts = [...ofSymbols.values()].map(
    records => records.filter(({ number }, index) => number < (records[index - 1]?.number ?? 0)).length,
  )
  return Math.max(0, ...counts)
}

function numberOf(text = ''): number {
  return Number(text.replaceAll(',', ''))
}
