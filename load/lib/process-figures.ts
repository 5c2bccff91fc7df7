import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks of `/proc` in a second: on Linux always 100 towards user space (proc(5)). */
const ticksPerSecond = 100
const pageBytes = 4096

/**
 * Microseconds of CPU that all threads of a process have used, kernel included: by the scheduler's account in
 * nanoseconds (`schedstat`) where the kernel keeps it, since the ticks of `/proc/PID/stat` are 10 ms each.
 */
export function processCpuUs(pid: number): number {
  try {
    let nanoseconds = 0
    for (const thread of readdirSync(`/proc/${pid}/task`)) nanoseconds += schedulingOf(pid, thread).ran
    return nanoseconds / 1000
  } catch {
    // The name before the fields may hold spaces and brackets.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return ((Number(fields[11]) + Number(fields[12])) * 1e6) / ticksPerSecond
  }
}

/** Milliseconds that a process' first thread was ready while its core ran others; else `NaN`. */
export function mainThreadWaitMs(pid: number): number {
  try {
    return schedulingOf(pid, String(pid)).waited / 1e6
  } catch {
    return Number.NaN
  }
}

/** Nanoseconds that a thread ran, and that it waited for its core. */
function schedulingOf(pid: number, thread: string): { readonly ran: number; readonly waited: number } {
  const [ran, waited] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 2)
  return { ran: Number(ran), waited: Number(waited) }
}

/** Bytes of memory that a process has in use now. */
export function residentBytes(pid: number): number {
  const [, pages] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ', 2)
  return Number(pages) * pageBytes
}

/** The processes that a process has started and that still run. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap(thread =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}

/** Bytes that the kernel holds for all TCP connections of the machine, both ends (`/proc/net/sockstat`). */
export function kernelTcpBytes(): number {
  const [, pages] = /^TCP:.* mem (\d+)$/m.exec(readFileSync('/proc/net/sockstat', 'utf8')) ?? []
  return Number(pages) * pageBytes
}

/** Ticks that some cores, or all where none is named, were busy and that passed (`/proc/stat`). */
function coreTicks(cores: readonly number[]) {
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

/** CPU that was used since this was called, by the function that it returns. */
export function watchCpu(
  { server, clients }: { readonly server: number; readonly clients: number },
  others: readonly number[],
) {
  const read = () => ({
    serverUs: processCpuUs(server),
    clientsUs: processCpuUs(clients),
    ticks: coreTicks(others),
    ms: performance.now(),
  })
  const before = read()
  return () => {
    const after = read()
    const us = (after.ms - before.ms) * 1000
    return {
      /** Of all threads of the server's process, kernel included; the shares are of a core. */
      serverCpuUs: after.serverUs - before.serverUs,
      serverShare: (after.serverUs - before.serverUs) / us,
      clientsShare: (after.clientsUs - before.clientsUs) / us,
      othersBusy: (after.ticks.busy - before.ticks.busy) / (after.ticks.all - before.ticks.all),
    }
  }
}
