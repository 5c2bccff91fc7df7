import { readdirSync, readFileSync } from 'node:fs'

/** How many of `/proc`'s clock ticks are a second: on Linux always 100 towards user space (proc(5)). */
const ticksPerSecond = 100

/**
 * Microseconds of CPU that all threads of a process have used, kernel included. From the scheduler's own account in
 * nanoseconds (`/proc/PID/task/TID/schedstat`) where the kernel keeps it, since the ticks of `/proc/PID/stat` are 10 ms each.
 */
export function processCpuUs(pid: number): number {
  try {
    let nanoseconds = 0
    for (const thread of readdirSync(`/proc/${pid}/task`)) nanoseconds += threadNanoseconds(pid, thread)
    return nanoseconds / 1000
  } catch {
    const { userUs, kernelUs } = processTicks(pid)
    return userUs + kernelUs
  }
}

function threadNanoseconds(pid: number, thread: string): number {
  const [ran] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)
  return Number(ran)
}

/** Milliseconds that the first thread of a process was ready to run and its core was given to others; `NaN` where the kernel does not say. */
export function mainThreadWaitMs(pid: number): number {
  try {
    const [, waited] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ', 2)
    return Number(waited) / 1e6
  } catch {
    return Number.NaN
  }
}

/** Bytes of memory that a process has in use now. */
export function residentBytes(pid: number): number {
  const [, pages] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ', 2)
  return Number(pages) * 4096
}

/** The processes that a process has begun and that still run. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap(thread =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}

/** The CPU of a process in user space and in the kernel, in steps of 10 ms. */
export function processTicks(pid: number): { readonly userUs: number; readonly kernelUs: number } {
  // The name before it may hold spaces and brackets.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  const [user, kernel] = [fields[11], fields[12]].map(ticks => (Number(ticks) * 1e6) / ticksPerSecond)
  return { userUs: user ?? Number.NaN, kernelUs: kernel ?? Number.NaN }
}

/** Ticks that some cores were busy and that they were there, since the machine started. */
export interface CoreTicks {
  readonly busy: number
  readonly all: number
}

/** What `/proc/stat` says of some cores, of all where none is named. */
export function coreTicks(cores: readonly number[]): CoreTicks {
  const names = new Set(cores.length === 0 ? ['cpu'] : cores.map(core => `cpu${core}`))
  let busy = 0
  let all = 0
  for (const line of readFileSync('/proc/stat', 'utf8').split('\n')) {
    const [name = '', ...fields] = line.split(/\s+/)
    if (!names.has(name)) continue
    // user nice system idle iowait irq softirq steal; guests are counted in user.
    const ticks = fields.slice(0, 8).map(Number)
    const sum = ticks.reduce((total, value) => total + value, 0)
    all += sum
    busy += sum - (ticks[3] ?? 0) - (ticks[4] ?? 0)
  }
  return { busy, all }
}
