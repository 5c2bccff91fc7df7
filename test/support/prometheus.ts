import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programPath } from '../setup/required-programs.ts'
import { Guard } from './guard.ts'
import { freePort } from './port.ts'
import { waitUntil } from './wait-until.ts'

const startTimeoutMs = 30_000

/** The text of every file in the folder of a Prometheus; `prometheus.yml` is its configuration. */
export type PrometheusFiles = Readonly<Record<'prometheus.yml', string> & Record<string, string>>

/** One series of an answer: its labels and its value now. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Starts a Prometheus with a folder of its own on a free port; resolves when it answers queries. */
export async function startPrometheus(files: PrometheusFiles): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-prometheus-'))
  const guard = new Guard(folder)
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const address = `127.0.0.1:${await freePort()}`
  const logFile = join(folder, 'prometheus.log')
  const log = await open(logFile, 'w')
  const child = spawn(
    programPath('prometheus'),
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', log.fd, log.fd] },
  )
  const prometheus = new Prometheus({ url: `http://${address}`, child, guard })
  try {
    await prometheus.becomeReady()
  } catch (error) {
    const text = await readFile(logFile, 'utf8')
    await prometheus.stop()
    throw new Error(`Prometheus did not start; its log:\n${text}`, { cause: error })
  } finally {
    await log.close()
  }
  return prometheus
}

interface PrometheusParts {
  readonly url: string
  readonly child: ChildProcess
  readonly guard: Guard
}

/** A Prometheus of ours. Made by `startPrometheus`. */
export class Prometheus {
  readonly #url: string
  readonly #child: ChildProcess
  readonly #guard: Guard
  readonly #ended: Promise<unknown>

  constructor({ url, child, guard }: PrometheusParts) {
    this.#url = url
    this.#child = child
    this.#guard = guard
    this.#ended = once(child, 'exit')
    guard.watch(child.pid)
  }

  /** Resolves when queries are answered. */
  async becomeReady(): Promise<void> {
    const isOver = async (): Promise<boolean> => this.#child.exitCode !== null || (await this.#isReady())
    await waitUntil(isOver, 'readiness', startTimeoutMs)
    if (this.#child.exitCode !== null) throw new Error(`it ended with ${this.#child.exitCode}`)
  }

  /** What an expression is now. Rejects with what Prometheus says of an expression that it does not take. */
  async query(expression: string): Promise<Sample[]> {
    const { result } = (await this.get(`query?query=${encodeURIComponent(expression)}`)) as {
      result: { metric: Record<string, string>; value: [time: number, value: string] }[]
    }
    return result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }))
  }

  /** `data` of an answer of the interface under `/api/v1/`. */
  async get(path: string): Promise<unknown> {
    const response = await fetch(`${this.#url}/api/v1/${path}`)
    const answer = (await response.json()) as { status: string; data?: unknown; error?: string }
    if (answer.status !== 'success') throw new Error(`${decodeURIComponent(path)}: ${answer.error}`)
    return answer.data
  }

  /** Ends the process and removes its folder. */
  async stop(): Promise<void> {
    this.#child.kill()
    await this.#ended
    this.#guard.watch(undefined)
    await this.#guard.end()
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.#url}/-/ready`)).ok
    } catch {
      return false
    }
  }
}

/** Runs promtool; resolves with what it prints on both outputs and with its exit code. */
export async function runPromtool(
  args: readonly string[],
  input = '',
): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  return new Promise(resolve => {
    const child = execFile(programPath('promtool'), args, (error, output, errors) => {
      const lines = `${output}${errors}`.split('\n').filter(line => line.trim() !== '')
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, lines })
    })
    child.stdin?.end(input)
  })
}
