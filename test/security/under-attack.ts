import { appendFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { type Harm, Target } from './target.ts'

/**
 * One target for the tests of a file, which have to leave everybody unharmed. What each has cost is written to the file that
 * `TICKER_TEST_FIGURES` names.
 */
export function underAttack(env: Readonly<Record<string, string>> = {}): () => Target {
  let target: Target | undefined
  const started = (): Target => {
    if (target === undefined) throw new Error('the target has not started')
    return target
  }
  beforeAll(async () => {
    target = await Target.start(env)
  })
  afterEach(async ({ task }) => {
    note(task.name, await started().unharmed())
  })
  afterAll(() => target?.stop())
  return started
}

function note(attack: string, { longestGapMs, newcomerMs, peakBytes, keptBytes }: Harm): void {
  const path = process.env['TICKER_TEST_FIGURES']
  if (path === undefined) return
  const figures = [
    `longest gap ${Math.round(longestGapMs)} ms`,
    `newcomer ${Math.round(newcomerMs)} ms`,
    `memory +${megabytes(peakBytes)} MB, then +${megabytes(keptBytes)} MB`,
  ]
  appendFileSync(path, `${attack}: ${figures.join('; ')}\n`)
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1_048_576)
}
