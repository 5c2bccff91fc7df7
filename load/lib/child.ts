import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../src/diagnostics/ticker-error.ts'
import type { Command } from './machine.ts'

/** The functions that a child process offers its parent, by name. Arguments and results are cloned. */
export type Functions = Readonly<Record<string, (...parameters: never[]) => unknown>>

type Result<F extends (...parameters: never[]) => unknown> = Awaited<ReturnType<F>>

interface Call {
  readonly id: number
  readonly name: string
  readonly parameters: readonly unknown[]
}

type Reply = { readonly id: number } & ({ readonly result: unknown } | { readonly fault: string })

/** A process of our own that answers calls. It ends with this process, however this one ends. */
export class Child<Offered extends Functions> {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #name: string
  #calls = 0

  /** Runs a command whose program calls `answerCalls`. */
  constructor(name: string, [command, ...parameters]: Command) {
    this.#name = name
    this.#process = spawn(command, parameters, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    this.#process.on('message', message => {
      if (isReply(message)) this.#settle(message)
    })
    this.#process.on('error', error => this.#fail(error.message))
    this.#process.on('exit', (code, signal) => this.#fail(`it ended with ${code ?? signal}`))
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  async call<Name extends keyof Offered & string>(
    name: Name,
    ...parameters: Parameters<Offered[Name]>
  ): Promise<Result<Offered[Name]>> {
    const call: Call = { id: this.#calls++, name, parameters }
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.set(call.id, waiting)
    this.#process.send(call, error => {
      if (error !== null) this.#settle({ id: call.id, fault: error.message })
    })
    // Both ends share the type of the functions.
    return (await waiting.promise) as Result<Offered[Name]>
  }

  stop(): void {
    this.#process.removeAllListeners('exit')
    this.#process.kill('SIGKILL')
  }

  /** Lets it end by itself, so that it leaves the profile that it was told to take. */
  async end(): Promise<void> {
    this.#process.removeAllListeners('exit')
    const ended = once(this.#process, 'exit')
    this.#process.disconnect()
    await ended
  }

  #settle(message: Reply): void {
    const waiting = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if ('fault' in message) waiting?.reject(new Error(`${this.#name}: ${message.fault}`))
    else waiting?.resolve(message.result)
  }

  #fail(reason: string): void {
    for (const id of this.#waiting.keys()) this.#settle({ id, fault: reason })
  }
}

/** The command of a program under `load/`, with options for Node itself and parameters of its own. */
export function program(
  file: string,
  nodeOptions: readonly string[] = [],
  parameters: readonly string[] = [],
): Command {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
  return [process.execPath, ...nodeOptions, path, ...parameters]
}

/** Starts a child process; it is stopped with the stack. */
export function startChild<Offered extends Functions>(
  stack: AsyncDisposableStack,
  name: string,
  command: Command,
): Child<Offered> {
  const child = new Child<Offered>(name, command)
  stack.defer(() => child.stop())
  return child
}

/** Answers the parent's calls until the parent is gone, and then ends this process. */
export function answerCalls(functions: Functions): void {
  muteKafkajsWarnings()
  process.on('message', message => {
    if (isCall(message)) void answer(functions, message)
  })
  process.on('disconnect', () => process.exit())
  // Ctrl-C reaches us too; the parent ends us in order.
  process.on('SIGINT', () => undefined)
}

async function answer(functions: Functions, { id, name, parameters }: Call): Promise<void> {
  try {
    const found = functions[name]
    if (found === undefined) throw new Error(`${name}: there is no such function`)
    const result: unknown = await (found as (...parameters: readonly unknown[]) => unknown)(...parameters)
    process.send?.({ id, result })
  } catch (error) {
    process.send?.({ id, fault: messageOf(error) })
  }
}

function isCall(message: unknown): message is Call {
  return typeof message === 'object' && message !== null && 'parameters' in message
}

function isReply(message: unknown): message is Reply {
  return typeof message === 'object' && message !== null && ('result' in message || 'fault' in message)
}

/** Leaves out Node's warnings of timers with negative delays, of which kafkajs sets hundreds. */
export function muteKafkajsWarnings(): void {
  process.removeAllListeners('warning')
  process.on('warning', ({ name, message }) => {
    if (name !== 'TimeoutNegativeWarning') process.stderr.write(`${name}: ${message}\n`)
  })
}

/** Has a server listen on a free port of 127.0.0.1, and resolves with it. */
export async function listenOnFreePort(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port')
  return address.port
}
