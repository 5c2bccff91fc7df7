import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GatewayProcess, type GatewayProcessOptions } from './gateway-process.ts'
import type { ProbeAnswers } from './gateway-probe.ts'
import type { Bench } from './scenario.ts'

const probe = fileURLToPath(new URL('gateway-probe.ts', import.meta.url))

/** A gateway that can be asked for its memory after a collection, for how long its loop was busy, and for a profile. */
export class ProbedGateway {
  readonly process: GatewayProcess
  readonly #socketPath: string

  private constructor(process: GatewayProcess, socketPath: string) {
    this.process = process
    this.#socketPath = socketPath
  }

  static async start(options: GatewayProcessOptions, { stack }: Bench): Promise<ProbedGateway> {
    const folder = await mkdtemp(join(tmpdir(), 'load-'))
    stack.defer(() => rm(folder, { recursive: true, force: true }))
    const socketPath = join(folder, 'probe')
    const process = await GatewayProcess.start({
      ...options,
      nodeOptions: ['--expose-gc', '--import', probe],
      settings: { ...options.settings, LOAD_PROBE: socketPath },
    })
    stack.defer(() => process.stop())
    return new ProbedGateway(process, socketPath)
  }

  async ask<Name extends keyof ProbeAnswers>(name: Name): Promise<ProbeAnswers[Name]> {
    const answered = Promise.withResolvers<string>()
    request({ socketPath: this.#socketPath, path: `/${name}` }, response => {
      text(response).then(answered.resolve, answered.reject)
    })
      .on('error', answered.reject)
      .end()
    // Both ends share the type.
    return JSON.parse(await answered.promise) as ProbeAnswers[Name]
  }
}
