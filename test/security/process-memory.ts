import { readFileSync, writeFileSync } from 'node:fs'

/** The memory of another process (proc_pid_status(5)); on Linux. */
export class ProcessMemory {
  readonly #pid: number
  #restingBytes: number

  constructor(pid: number) {
    this.#pid = pid
    this.#restingBytes = this.#read('VmRSS')
  }

  /** Bytes more than at rest, now. */
  get grown(): number {
    return this.#read('VmRSS') - this.#restingBytes
  }

  /** Bytes more than at rest, at most since then. */
  get peak(): number {
    return this.#read('VmHWM') - this.#restingBytes
  }

  /** What is now counts as rest (`5` resets the peak: proc_pid_clear_refs(5)). */
  rest(): void {
    this.#restingBytes = this.#read('VmRSS')
    writeFileSync(`/proc/${this.#pid}/clear_refs`, '5')
  }

  #read(name: 'VmRSS' | 'VmHWM'): number {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8')
    return 1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1])
  }
}
