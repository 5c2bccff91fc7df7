import { beforeEach, describe, expect, test, vi } from 'vitest'
import { MemoryGuard, type MemoryGuardOptions, type SheddingAmount } from '../../src/limits/memory-guard.ts'
import { memoryLimit, shareOfWorker } from '../../src/limits/process-memory.ts'
import { append } from '../feed/recent-events/batch.ts'
import { openWindow, run } from '../feed/recent-events/window-fixture.ts'

/** A process that takes what the test says, on a limit of 1,000,000,000 bytes. */
class Scene {
  used = 500_000_000
  readonly lines: string[] = []
  readonly wanted: SheddingAmount[] = []
  cleared = 0
  /** What the next sessions have unsent, all together. */
  unsent: readonly number[] = []
  readonly tape = openWindow({ maxBytes: 16_000_000 })
  readonly guard: MemoryGuard

  constructor(changes: Partial<MemoryGuardOptions> = {}) {
    const line =
      (level: string) =>
      (_fields: object, message: string): unknown =>
        this.lines.push(`${level}: ${message.split(':')[0]}`)
    this.guard = new MemoryGuard({
      limitBytes: 1_000_000_000,
      refuseShare: 0.75,
      shedShare: 0.9,
      windows: [this.tape.window],
      clearCaches: () => this.cleared++,
      endSessions: wanted => this.#relieve(wanted),
      log: { info: line('info'), warn: line('warn') },
      read: () => this.used,
      ...changes,
    })
  }

  /** Some looks, in which so many million bytes are taken. */
  look(millions: number, looks = 1): string {
    this.used = millions * 1e6
    for (let count = 0; count < looks; count++) this.guard.look()
    return this.guard.state
  }

  #relieve(wanted: SheddingAmount): SheddingAmount {
    this.wanted.push(wanted)
    let bytes = 0
    let sessions = 0
    for (const unsent of this.unsent) {
      if (bytes >= wanted.bytes || sessions === wanted.sessions) break
      bytes += unsent
      sessions++
    }
    this.unsent = this.unsent.slice(sessions)
    return { sessions, bytes }
  }
}

let scene: Scene
beforeEach(() => {
  scene = new Scene()
})

describe('the states of memory', () => {
  test('begin at their shares, and end 5 % of the limit below, so that they do not flutter', () => {
    expect([749, 750, 749, 700, 699, 749].map(used => scene.look(used))).toEqual([
      'calm',
      'short',
      'short',
      'short',
      'calm',
      'calm',
    ])
    expect([900, 899, 850, 849, 700, 699].map(used => scene.look(used))).toEqual([
      'critical',
      'critical',
      'critical',
      'short',
      'short',
      'calm',
    ])
    expect(scene.guard.counts.changes).toEqual({ calm: 2, short: 2, critical: 1 })
  })

  test('are reported once, when they change, and the cache of read chunks is dropped', () => {
    scene.look(800, 10)
    expect(scene.guard.isShort).toBe(true)
    expect(scene.cleared).toBe(1)
    scene.look(500, 10)
    expect(scene.guard.isShort).toBe(false)
    expect(scene.lines).toEqual(['warn: memory is short', 'info: memory is no longer short'])
  })

  test('may leap from calm to critical and back', () => {
    expect([950, 300].map(used => scene.look(used))).toEqual(['critical', 'calm'])
    expect(scene.cleared).toBe(1)
  })
})

describe('while memory is nearly used up, the window', () => {
  test('is halved step by step, down to a sixteenth, which drops its oldest events at once', () => {
    append(scene.tape.partition, run(0, 60_000))
    const { window } = scene.tape
    const full = window.counts.bytes
    const limits: number[] = []
    for (let look = 0; look < 40; look++) {
      scene.look(990)
      if (limits.at(-1) !== window.limitBytes) limits.push(window.limitBytes)
    }
    expect(limits).toEqual([8e6, 4e6, 2e6, 1e6])
    expect(full).toBeGreaterThan(8e6)
    expect(window.counts.bytes).toBeLessThanOrEqual(1e6)
    expect(window.counts.dropped.memory).toBeGreaterThan(0)
    expect(window.counts.dropped.bytes).toBe(0)
    append(scene.tape.partition, run(60_000, 60_000))
    expect(window.counts.bytes).toBeLessThanOrEqual(1e6)
  })

  test('of each feed is resized as the others are, and what all of them free counts', () => {
    const other = openWindow({ maxBytes: 16_000_000 })
    scene = new Scene({ windows: [scene.tape.window, other.window] })
    append(other.partition, run(0, 60_000))
    const full = other.window.counts.bytes
    scene.look(910)
    expect(other.window.limitBytes).toBe(8_000_000)
    expect(full - other.window.counts.bytes).toBeGreaterThan(1_000_000)
    scene.look(500)
    scene.look(500, 60)
    expect(other.window.limitBytes).toBe(16_000_000)
  })

  test('is not shrunk further while what it let go of may not have been given back', () => {
    append(scene.tape.partition, run(0, 90_000))
    const { window } = scene.tape
    scene.look(852)
    expect(window.limitBytes).toBe(16e6)
    scene.look(901)
    // 51 MB are wanted, and the window has less: it goes down to its least, then sessions are asked.
    scene.look(901, 3)
    expect(window.limitBytes).toBe(8e6)
    scene.look(901)
    expect(window.limitBytes).toBe(4e6)
  })

  test('comes back slowly, when it is calm, as far as the process stays calm with it', () => {
    scene.look(990, 20)
    const { window } = scene.tape
    expect(window.limitBytes).toBe(1e6)
    scene.look(500, 60)
    expect(window.limitBytes).toBe(1e6)
    scene.look(500, 1)
    expect(window.limitBytes).toBe(2e6)
    scene.look(698, 200)
    expect(window.limitBytes).toBe(2e6)
    scene.look(500, 300)
    expect(window.limitBytes).toBe(16e6)
    expect(scene.lines.filter(line => line === 'info: more recent events are kept again')).toHaveLength(4)
  })
})

describe('while memory is nearly used up, sessions', () => {
  test('are ended for what is wanted beyond the window, some in each look', () => {
    scene.unsent = Array.from({ length: 100 }, () => 1e6)
    scene.look(900)
    expect(scene.wanted).toEqual([{ bytes: 50e6, sessions: 20 }])
    scene.look(900)
    expect(scene.wanted[1]).toEqual({ bytes: 30e6, sessions: 20 })
    scene.look(900)
    expect(scene.guard.counts.endedSessions).toBe(50)
    scene.look(900, 8)
    expect(scene.wanted).toHaveLength(3)
  })

  test('are ended further when it has not helped for six seconds', () => {
    scene.unsent = Array.from({ length: 100 }, () => 50e6)
    scene.look(900)
    expect(scene.guard.counts.endedSessions).toBe(1)
    scene.look(900, 11)
    expect(scene.guard.counts.endedSessions).toBe(1)
    scene.look(900)
    expect(scene.guard.counts.endedSessions).toBe(2)
  })

  test('are left alone while there is enough, and while it is only short', () => {
    scene.look(500, 5)
    scene.look(899, 5)
    expect(scene.wanted).toEqual([])
  })
})

test('by itself it looks at what the process takes, every half second until it is stopped', () => {
  vi.useFakeTimers()
  const guard = new MemoryGuard({
    limitBytes: 1,
    refuseShare: 0.75,
    shedShare: 0.9,
    windows: [scene.tape.window],
    clearCaches: () => undefined,
    endSessions: () => ({ sessions: 0, bytes: 0 }),
    log: { info: () => undefined, warn: () => undefined },
  })
  guard.start()
  vi.advanceTimersByTime(499)
  expect(guard.state).toBe('calm')
  vi.advanceTimersByTime(1)
  expect(guard.state).toBe('critical')
  guard.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

test('without a limit it is that of the container or the machine', () => {
  expect(memoryLimit()).toBeGreaterThan(64 * 1_048_576)
  expect(memoryLimit()).toBeLessThan(2 ** 50)
})

test('workers share what there is, after their primary; a single process has all of it', () => {
  const mebibyte = 1_048_576
  expect(shareOfWorker(1024 * mebibyte, 1)).toBe(1024 * mebibyte)
  expect(shareOfWorker(1024 * mebibyte, 4)).toBe(208 * mebibyte)
  expect(shareOfWorker(128 * mebibyte, 4)).toBe(64 * mebibyte)
})
