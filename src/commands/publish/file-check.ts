import { Findings } from './findings.ts'
import { readLine } from './line-content.ts'
import type { Line } from './line-splitter.ts'

export interface FileCheckOptions {
  readonly lines: AsyncIterable<readonly Line[]>
  readonly fromLine: number
  readonly maxEventBytes: number
  /** Called after each array of lines. */
  readonly onProgress: (findings: Findings) => void
}

/** What a pass over a whole file found. */
export interface FileCheck {
  readonly findings: Findings
  /** Of the text, after decompression. */
  readonly textBytes: number
}

/** Reads every line from `fromLine` on, and publishes none. */
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
